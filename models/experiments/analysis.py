"""The Bayesian analysis of all tests in one vectorised pass."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import polars as pl

from code24.errors import Code24Error
from models.experiments import e_value, programme, sample_ratio, surprise
from models.experiments.arms import Arms, Flags, Floats, Integers, build
from models.experiments.counts import checked
from models.experiments.metrics.goals import NO_GOALS, with_goals
from models.experiments.mixing import MixedPrior, as_matrix, mix
from models.experiments.sample_ratio import SampleRatioRule
from models.priors.mixture import DEFAULT_PRIOR, Prior

Priors = Prior | Mapping[str, Prior]
"""One prior for all tests, or each test's own, by experiment id."""

ANALYSIS_SCHEMA: dict[str, pl.DataType] = {
    "experiment_id": pl.String(),
    "site_id": pl.String(),
    "variation_index": pl.Int64(),
    "variant_id": pl.String(),
    "is_control": pl.Boolean(),
    "metric": pl.String(),
    "metric_kind": pl.String(),
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
    "observed_sd": pl.Float64(),
    "chance_to_win": pl.Float64(),
    "chance_best": pl.Float64(),
    "chance_of_effect": pl.Float64(),
    "expected_loss": pl.Float64(),
    "e_value": pl.Float64(),
    "surprise_p": pl.Float64(),
    "is_suspicious": pl.Boolean(),
    "is_strict": pl.Boolean(),
    "is_enough_data": pl.Boolean(),
    "srm_p": pl.Float64(),
    "srm_e_value": pl.Float64(),
    "srm_level": pl.String(),
    "is_srm": pl.Boolean(),
    "problem": pl.String(),
    "prior_mean": pl.Float64(),
    "prior_sd": pl.Float64(),
    "prior_null": pl.Float64(),
    "prior_shift": pl.Float64(),
    "prior_correlation": pl.Float64(),
    "prior_scales": pl.List(pl.Float64()),
    "prior_weights": pl.List(pl.Float64()),
    "prior_tests": pl.Int64(),
    "prior_before": pl.Datetime("us"),
    "prior_group": pl.String(),
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
    figures: pl.DataFrame = NO_GOALS,
) -> pl.DataFrame:
    """Analyse all tests at once.

    Args:
        stats: rows of ``marts.mart_experiment_stats`` (metric ``conversion``).
        weights: rows of ``raw.weights``.
        prior: one prior for all tests, or one for each; a test that the mapping
            lacks gets the default prior.
        config: interval, least data and sample-ratio levels.
        figures: what ``metrics.figures.figures`` found; the goals among them take the
            place of conversions in their tests.

    Returns:
        ``ANALYSIS_SCHEMA``, sorted by test and variant. A test with a ``problem``
        has its counts and no estimates. ``rate`` is the figure of its goal metric
        (``metric``): a share, mean, ratio or quantile; ``effect`` the posterior mean
        of the natural log of its ratio to the control's; ``lift`` the posterior mean of
        that ratio minus 1; ``expected_loss`` a share of the control's rate;
        ``observed_sd`` the standard error of the log ratio as counted.
        ``surprise_p`` is the chance of so large a lift before the data came, and
        ``is_suspicious`` where that is hardly any; ``srm_e_value`` the evidence against
        the planned split, valid at every look.
        ``chance_to_win`` and ``e_value`` are null for controls, ``e_value`` also
        where the prior was not fixed before the test's first exposure; ``is_strict``
        looks at all tests of the site together (``programme``).

    Raises:
        AnalysisInputError: a table lacks a column.
    """
    rows = with_goals(checked(stats, weights), figures)
    priors = _Priors.of(rows, prior)
    rows = rows.hstack([*priors.columns(), *_of_rows(rows)])
    rows = rows.with_columns(_is_frozen())
    is_active = rows["is_active"]
    if not is_active.any():
        return _as_table(rows)
    if is_active.all():
        return _as_table(rows.hstack(_estimates(rows, priors, config)))
    analysed = _estimates(rows.filter(is_active), priors.only(is_active), config)
    return _as_table(rows.hstack(_placed(analysed, is_active)))


def _placed(analysed: list[pl.Series], is_active: pl.Series) -> pl.DataFrame:
    """Put the rows analysed at their places among all, the others without values."""
    place = pl.select(pl.when(is_active).then(is_active.cum_sum() - 1)).to_series()
    return pl.DataFrame(analysed).select(pl.all().gather(place))


class _Priors(NamedTuple):
    """Each prior once, and which of them each row has."""

    table: pl.DataFrame
    scales: Floats
    """(priors, scales); shorter ones are filled up with weight 0."""
    weights: Floats
    number: Integers
    """Of each row, the place of its prior in the table."""

    @classmethod
    def of(cls, rows: pl.DataFrame, prior: Priors) -> "_Priors":
        """Return the priors of the tests in ``rows``."""
        own = prior if isinstance(prior, Mapping) else {}
        rest = DEFAULT_PRIOR if isinstance(prior, Mapping) else prior
        each = {id(p): p for p in [rest, *own.values()]}
        table = pl.DataFrame([p.as_row() for p in each.values()], schema=_PRIOR_SCHEMA)
        scales, weights = map(as_matrix, table["prior_scales", "prior_weights"])
        place = {key: number for number, key in enumerate(each)}
        if not own:
            number = np.full(rows.height, place[id(rest)])
        else:
            tests = rows["experiment_id"].rle().struct
            numbers = [place[id(own.get(test, rest))] for test in tests.field("value")]
            number = np.repeat(numbers, tests.field("len").to_numpy())
        return cls(table, scales, weights, number)

    def columns(self) -> list[pl.Series]:
        """Return each row's prior."""
        if self.table.height > 1:
            return self.table[self.number].get_columns()
        return [each.new_from_index(0, len(self.number)) for each in self.table]

    def only(self, rows: pl.Series) -> "_Priors":
        """Return the priors of some of the rows."""
        return self._replace(number=self.number[rows.to_numpy()])

    def mixed(self, is_control: Flags) -> MixedPrior:
        """Return the tests' priors as arrays, one row a control."""
        number = self.number[is_control]
        shift, correlation = (
            self.table[f"prior_{name}"].to_numpy()[number]
            for name in ("shift", "correlation")
        )
        return MixedPrior(self.scales[number], self.weights[number], shift, correlation)


_PRIOR_SCHEMA = {
    name: kind for name, kind in ANALYSIS_SCHEMA.items() if name.startswith("prior_")
}


def _is_frozen() -> pl.Expr:
    """Say whether the prior knew nothing that came after the test's first exposure."""
    first = pl.col("first_exposure_at").min().over("experiment_id")
    is_before = (pl.col("prior_before") <= first).fill_null(value=False)
    return ((pl.col("prior_tests") == 0) | is_before).alias("is_prior_frozen")


def _estimates(
    active: pl.DataFrame, priors: _Priors, config: AnalysisConfig
) -> list[pl.Series]:
    arms = _arms(active)
    prior = priors.mixed(arms.is_control)
    return [
        *_effects(arms, prior, config.interval),
        *_evidence(active, arms, prior),
        *_sample_ratio(active, arms, config.sample_ratio),
        _is_enough(arms, config.least_conversions),
    ]


def _arms(active: pl.DataFrame) -> Arms:
    arms = build(
        active["experiment_id"].rle_id().cast(pl.Int64).to_numpy(),
        (active["variation_index"] == 0).to_numpy(),
        active["counted_units"].to_numpy(),
        active["conversions"].to_numpy(),
    )
    is_counted = active["is_counted"].to_numpy()
    if is_counted.all():
        return arms
    log_figure, log_variance = (
        active[name].to_numpy() for name in ("log_figure", "log_variance")
    )
    return arms._replace(
        log_rate=np.where(is_counted, arms.log_rate, log_figure),
        variance=np.where(is_counted, arms.variance, log_variance),
        is_counted=is_counted,
    )


def _effects(arms: Arms, prior: MixedPrior, interval: float) -> list[pl.Series]:
    found = mix(arms, prior, interval)
    values = {
        "effect": found.effect,
        "effect_sd": found.effect_sd,
        "lift": found.lift,
        "lift_low": found.lift_low,
        "lift_high": found.lift_high,
        "chance_to_win": found.chance_to_win,
        "chance_best": found.best.chance,
        "chance_of_effect": found.chance_of_effect,
        "expected_loss": found.best.loss,
    }
    return [_told(name, array) for name, array in values.items()]


def _evidence(active: pl.DataFrame, arms: Arms, prior: MixedPrior) -> list[pl.Series]:
    is_variant = ~arms.is_control
    test = arms.test[is_variant]
    variance = arms.variance + arms.of_control(arms.variance)
    ratio = arms.log_rate - arms.of_control(arms.log_rate)
    seen = (
        ratio[is_variant],
        variance[is_variant],
        prior.scales[test],
        prior.weights[test],
        prior.shift[test],
    )
    e, surprise_p = np.full((2, len(arms.test)), np.nan)
    e[is_variant] = e_value.one_sided(*seen)
    surprise_p[is_variant] = surprise.tail(*seen)
    rate = np.where(
        arms.is_counted,
        arms.conversions / arms.units,
        active["figure"].cast(pl.Float64).to_numpy(),
    )
    control_rate = arms.of_control(rate)
    is_told = active["is_prior_frozen"].to_numpy()
    return [
        _told("e_value", np.where(is_told, e, np.nan)),
        _told("surprise_p", surprise_p),
        pl.Series("is_suspicious", surprise_p < surprise.SUSPICIOUS),
        _told("observed_sd", np.where(is_variant, np.sqrt(variance), np.nan)),
        _told("rate", rate),
        _told("control_rate", control_rate),
        _told("raw_lift", _raw_lift(rate, control_rate)),
    ]


def _raw_lift(rate: Floats, control_rate: Floats) -> Floats:
    nothing = np.full_like(rate, np.nan)
    return np.divide(rate, control_rate, out=nothing, where=control_rate > 0) - 1.0


def _sample_ratio(
    active: pl.DataFrame, arms: Arms, rule: SampleRatioRule
) -> list[pl.Series]:
    split = (active["units"].to_numpy(), active["weight"].to_numpy(), arms.tests)
    p, deviation = sample_ratio.check(arms.test, *split)
    e = sample_ratio.e_value(arms.test, *split)
    is_alarm = (p < rule.alarm) & (deviation >= rule.alarm_deviation)
    level = np.where(is_alarm, 2, np.where(p < rule.warning, 1, 0))[arms.test]
    return [
        _told("srm_p", p[arms.test]),
        _told("srm_e_value", e[arms.test]),
        _LEVELS[level].alias("srm_level"),
        pl.Series("is_srm", level > 0),
    ]


_LEVELS = pl.Series(["ok", "warning", "alarm"])


def _is_enough(arms: Arms, least: int) -> pl.Series:
    few = arms.sums((arms.conversions < least).astype(np.float64))
    return pl.Series("is_enough_data", (few == 0)[arms.test])


def _as_table(rows: pl.DataFrame) -> pl.DataFrame:
    absent = [
        pl.repeat(None, rows.height, dtype=kind, eager=True).alias(name)
        for name, kind in ANALYSIS_SCHEMA.items()
        if name not in rows.columns and name != "is_strict"
    ]
    whole = rows.hstack(absent)
    return whole.with_columns(programme.is_strict()).select(_COLUMNS)


_COLUMNS = tuple(
    pl.col(name).cast(kind, strict=False)
    if name != "weight"
    else pl.col(name).fill_nan(None)
    for name, kind in ANALYSIS_SCHEMA.items()
)


def _of_rows(rows: pl.DataFrame) -> list[pl.Series]:
    """Return what is known of every row, whether it is analysed or not."""
    units, multiple = (rows[n].to_numpy() for n in ("units", "units_multiple"))
    test = rows["experiment_id"].rle_id().to_numpy()
    seen = np.bincount(test, np.nan_to_num(units))[test] + multiple
    nothing = np.full_like(seen, np.nan)
    share = np.divide(multiple, seen, out=nothing, where=seen != 0)
    is_control = (rows["variation_index"] == 0).alias("is_control")
    return [_told("multiple_share", share), is_control]


def _told(name: str, values: Floats) -> pl.Series:
    """Return the values as a column; NaN, where nothing can be said, becomes null."""
    return pl.Series(name, values, nan_to_null=True)
