"""The Bayesian analysis of all tests in one vectorised pass."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from code24.errors import Code24Error
from models.experiments import best, e_value, sample_ratio
from models.experiments.arms import Arms, Floats, build
from models.experiments.counts import checked
from models.experiments.posterior import Posterior, PriorValues, update
from models.experiments.sample_ratio import SampleRatioRule
from models.experiments.special import normal_cdf, normal_quantile
from models.priors.normal import DEFAULT_PRIOR, NormalPrior

Priors = NormalPrior | Mapping[str, NormalPrior]
"""One prior for all tests, or each test's own, by experiment id."""

ANALYSIS_SCHEMA: dict[str, pl.DataType] = {
    "experiment_id": pl.String(),
    "site_id": pl.String(),
    "variation_index": pl.Int64(),
    "variant_id": pl.String(),
    "is_control": pl.Boolean(),
    "weight": pl.Float64(),
    "units": pl.Int64(),
    "conversions": pl.Int64(),
    "units_multiple": pl.Int64(),
    "multiple_share": pl.Float64(),
    "first_exposure_at": pl.Datetime("us"),
    "last_exposure_at": pl.Datetime("us"),
    "rate": pl.Float64(),
    "control_rate": pl.Float64(),
    "raw_lift": pl.Float64(),
    "effect": pl.Float64(),
    "effect_sd": pl.Float64(),
    "lift": pl.Float64(),
    "lift_low": pl.Float64(),
    "lift_high": pl.Float64(),
    "chance_to_win": pl.Float64(),
    "chance_best": pl.Float64(),
    "expected_loss": pl.Float64(),
    "e_value": pl.Float64(),
    "is_enough_data": pl.Boolean(),
    "srm_p": pl.Float64(),
    "srm_level": pl.String(),
    "is_srm": pl.Boolean(),
    "problem": pl.String(),
    "prior_mean": pl.Float64(),
    "prior_sd": pl.Float64(),
    "prior_correlation": pl.Float64(),
    "prior_tests": pl.Int64(),
    "prior_before": pl.Datetime("us"),
}
"""``experiments.analyses``: one row per (experiment_id, variation_index)."""


class AnalysisConfigError(Code24Error):
    """The analysis is configured with a value that cannot be used."""


@dataclass(frozen=True, slots=True)
class AnalysisConfig:
    """How an analysis is made; what follows from it is the policy's."""

    interval: float = 0.90
    """Probability that the interval on the lift holds. 0.5 to 0.999."""
    least_conversions: int = 25
    """Conversions that each arm must have before anything is concluded: below, the
    log ratio is not yet near normal. 5 to 1,000."""
    sample_ratio: SampleRatioRule = field(default_factory=SampleRatioRule)

    def __post_init__(self) -> None:
        """Reject values out of range."""
        if not 0.5 <= self.interval <= 0.999:
            raise AnalysisConfigError(
                f"interval={self.interval}: must be from 0.5 to 0.999"
            )
        if not 5 <= self.least_conversions <= 1_000:
            raise AnalysisConfigError(
                f"least_conversions={self.least_conversions}: must be from 5 to 1000"
            )


DEFAULT_CONFIG = AnalysisConfig()


def analyze(
    stats: pl.DataFrame,
    weights: pl.DataFrame,
    prior: Priors = DEFAULT_PRIOR,
    config: AnalysisConfig = DEFAULT_CONFIG,
) -> pl.DataFrame:
    """Analyse all tests at once.

    Args:
        stats: rows of ``marts.mart_experiment_stats`` (metric ``conversion``).
        weights: rows of ``raw.weights``.
        prior: one prior for all tests, or one for each; a test that the mapping
            lacks gets the default prior.
        config: interval, least data and sample-ratio levels.

    Returns:
        ``ANALYSIS_SCHEMA``, sorted by test and variant. A test with a ``problem``
        has its counts and no estimates. ``effect`` is the posterior mean of the
        natural log of the rate ratio to the control; ``lift`` the posterior mean of
        that ratio minus 1; ``expected_loss`` a share of the control's rate.
        ``chance_to_win`` and ``e_value`` are null for controls, ``e_value`` also
        where the prior was not fixed before the test's first exposure.

    Raises:
        AnalysisInputError: a table lacks a column.
    """
    rows = _with_prior(checked(stats, weights), prior)
    active = rows.filter("is_active")
    estimates = _estimates(active, config) if active.height else active.clear()
    key = ["experiment_id", "variation_index"]
    own = [column for column in estimates.columns if column not in rows.columns]
    joined = rows.join(
        estimates.select(*key, *own), on=key, how="left", maintain_order="left"
    )
    return _as_table(joined)


def _with_prior(rows: pl.DataFrame, prior: Priors) -> pl.DataFrame:
    if isinstance(prior, NormalPrior):
        return rows.with_columns(*_literals(prior)).with_columns(_is_frozen())
    tests = rows["experiment_id"].unique(maintain_order=True)
    table = pl.DataFrame(
        [
            {"experiment_id": test, **prior.get(test, DEFAULT_PRIOR).as_row()}
            for test in tests
        ],
        schema={
            "experiment_id": pl.String,
            **{
                name: kind
                for name, kind in ANALYSIS_SCHEMA.items()
                if name.startswith("prior_")
            },
        },
    )
    joined = rows.join(table, on="experiment_id", how="left", maintain_order="left")
    return joined.with_columns(_is_frozen())


def _literals(prior: NormalPrior) -> list[pl.Expr]:
    return [
        pl.lit(value, dtype=ANALYSIS_SCHEMA[name]).alias(name)
        for name, value in prior.as_row().items()
    ]


def _is_frozen() -> pl.Expr:
    """Say whether the prior knew nothing that came after the test's first exposure."""
    first = pl.col("first_exposure_at").min().over("experiment_id")
    is_before = (pl.col("prior_before") <= first).fill_null(value=False)
    return ((pl.col("prior_tests") == 0) | is_before).alias("is_prior_frozen")


def _estimates(active: pl.DataFrame, config: AnalysisConfig) -> pl.DataFrame:
    arms = build(
        active["experiment_id"].rle_id().cast(pl.Int64).to_numpy(),
        (active["variation_index"] == 0).to_numpy(),
        active["units"].to_numpy(),
        active["conversions"].to_numpy(),
    )
    mean, sd, correlation = (
        active[name].to_numpy()[arms.is_control]
        for name in ("prior_mean", "prior_sd", "prior_correlation")
    )
    posterior = update(arms, PriorValues(mean, sd, correlation))
    return active.with_columns(
        pl.Series("is_control", arms.is_control),
        *_effects(arms, posterior, config.interval),
        *_evidence(active, arms),
        *_sample_ratio(active, arms, config.sample_ratio),
        _is_enough(config.least_conversions),
    )


def _effects(arms: Arms, posterior: Posterior, interval: float) -> list[pl.Series]:
    found = best.find(arms, posterior)
    effect, sd = posterior.effect, posterior.effect_sd
    reach = normal_quantile(0.5 + interval / 2) * sd
    variant_sd = np.where(arms.is_control, np.nan, sd)
    values = {
        "effect": effect,
        "effect_sd": sd,
        "lift": np.expm1(effect + np.square(sd) / 2),
        "lift_low": np.expm1(effect - reach),
        "lift_high": np.expm1(effect + reach),
        "chance_to_win": normal_cdf(effect / variant_sd),
        "chance_best": found.chance,
        "expected_loss": found.loss,
    }
    return [pl.Series(name, array) for name, array in values.items()]


def _evidence(active: pl.DataFrame, arms: Arms) -> list[pl.Series]:
    is_told = active["is_prior_frozen"].to_numpy() & ~arms.is_control
    e = e_value.one_sided(
        arms.log_rate - arms.of_control(arms.log_rate),
        arms.variance + arms.of_control(arms.variance),
        active["prior_mean"].to_numpy(),
        active["prior_sd"].to_numpy(),
    )
    rate = active["conversions"].to_numpy() / active["units"].to_numpy()
    control_rate = arms.of_control(rate)
    return [
        pl.Series("e_value", np.where(is_told, e, np.nan)),
        pl.Series("rate", rate),
        pl.Series("control_rate", control_rate),
        pl.Series("raw_lift", _raw_lift(rate, control_rate)),
    ]


def _raw_lift(rate: Floats, control_rate: Floats) -> Floats:
    nothing = np.full_like(rate, np.nan)
    return np.divide(rate, control_rate, out=nothing, where=control_rate > 0) - 1.0


def _sample_ratio(
    active: pl.DataFrame, arms: Arms, rule: SampleRatioRule
) -> list[pl.Series]:
    p, deviation = sample_ratio.check(
        arms.test, active["units"].to_numpy(), active["weight"].to_numpy(), arms.tests
    )
    level = np.where(p < rule.warning, "warning", "ok")
    is_alarm = (p < rule.alarm) & (deviation >= rule.alarm_deviation)
    level = np.where(is_alarm, "alarm", level)[arms.test]
    return [
        pl.Series("srm_p", p[arms.test]),
        pl.Series("srm_level", level, dtype=pl.String),
        pl.Series("is_srm", level != "ok"),
    ]


def _is_enough(least: int) -> pl.Expr:
    fewest = pl.col("conversions").min().over("experiment_id")
    return (fewest >= least).alias("is_enough_data")


def _as_table(rows: pl.DataFrame) -> pl.DataFrame:
    multiple = pl.col("units_multiple")
    seen = pl.col("units").sum().over("experiment_id") + multiple
    is_control = pl.col("variation_index") == 0
    table = rows.with_columns(
        (multiple / seen).alias("multiple_share"), is_control.alias("is_control")
    )
    absent = [
        pl.lit(None, dtype=kind).alias(name)
        for name, kind in ANALYSIS_SCHEMA.items()
        if name not in table.columns
    ]
    return table.with_columns(*absent).select(
        pl.col(name).fill_nan(None).cast(kind, strict=False)
        if kind == pl.Float64
        else pl.col(name).cast(kind, strict=False)
        for name, kind in ANALYSIS_SCHEMA.items()
    )
