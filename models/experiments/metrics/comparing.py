"""Metrics that are watched beside the goal: effect, chance to win, evidence of harm.

None of them decides which variant is shipped. A guardrail may end a test: for that it
has an e-value against harm, valid however often it is read.
"""

import numpy as np
import polars as pl

from models.experiments import e_value
from models.experiments.arms import Arms, Floats
from models.experiments.metrics.figures import FIGURES_SCHEMA
from models.experiments.mixing import Mixed, MixedPrior, mix
from models.priors.mixture import DEFAULT_PRIOR

METRIC_SCHEMA: dict[str, pl.DataType] = {
    "experiment_id": pl.String(),
    "metric_id": pl.String(),
    "site_id": pl.String(),
    "role": pl.String(),
    "kind": pl.String(),
    "is_increase_good": pl.Boolean(),
    "variation_index": pl.Int64(),
    "variant_id": pl.String(),
    "is_control": pl.Boolean(),
    "units": pl.Int64(),
    "units_with": pl.Int64(),
    "units_pending": pl.Int64(),
    "mean": pl.Float64(),
    "control_mean": pl.Float64(),
    "raw_lift": pl.Float64(),
    "effect": pl.Float64(),
    "effect_sd": pl.Float64(),
    "observed_sd": pl.Float64(),
    "lift": pl.Float64(),
    "lift_low": pl.Float64(),
    "lift_high": pl.Float64(),
    "chance_to_win": pl.Float64(),
    "e_value": pl.Float64(),
    "e_value_harm": pl.Float64(),
    "is_enough_data": pl.Boolean(),
    "problem": pl.String(),
}
"""``experiments.metric_analyses``: one row per FIGURES key, the goals left out."""
KEY = ("experiment_id", "metric_id")


def compare(
    figures: pl.DataFrame, interval: float = 0.90, least_units: int = 25
) -> pl.DataFrame:
    """Compare the variants of every test by every metric but its goal, in one pass.

    The prior is the default one for all: what finished tests teach is about goals.
    So it was fixed before any test, and both e-values are always valid.

    Args:
        figures: as ``metrics.figures.figures`` gives them.
        interval: probability that the interval on the lift holds.
        least_units: units with something that each arm must have; fewer are compared,
            and marked.

    Returns:
        ``METRIC_SCHEMA``. ``lift`` is that of the figure, whichever way is good;
        ``chance_to_win`` and ``e_value`` speak for a change in the good direction,
        ``e_value_harm`` for one in the other. Controls have neither.
    """
    rows = figures.filter(pl.col("role") != "goal").select(*FIGURES_SCHEMA)
    sound = rows.filter(pl.col("problem").is_null())
    found = _compared(sound, interval) if sound.height else sound
    whole = pl.concat(
        [found, rows.filter(pl.col("problem").is_not_null())], how="diagonal_relaxed"
    ).sort(*KEY, "variation_index", nulls_last=True)
    fewest = pl.col("units_with").min().over(KEY)
    absent = [
        pl.lit(None, kind).alias(name)
        for name, kind in METRIC_SCHEMA.items()
        if name not in {*whole.columns, "mean", "is_control", "is_enough_data"}
    ]
    return whole.with_columns(
        *absent,
        pl.col("figure").alias("mean"),
        (pl.col("variation_index") == 0).alias("is_control"),
        (fewest >= least_units).alias("is_enough_data"),
    ).select(
        pl.col(name).fill_nan(None)
        if kind == pl.Float64
        else pl.col(name).cast(kind, strict=False)
        for name, kind in METRIC_SCHEMA.items()
    )


def _compared(rows: pl.DataFrame, interval: float) -> pl.DataFrame:
    arms = _arms(rows)
    prior = _default(arms.tests)
    mixed = mix(arms, prior, interval)
    up, down = (_evidence(arms, prior, sign) for sign in (1.0, -1.0))
    is_good = rows["is_increase_good"].to_numpy()
    figure = rows["figure"].to_numpy()
    control = arms.of_control(figure)
    variance = arms.variance + arms.of_control(arms.variance)
    values = {
        **_effects(mixed),
        "control_mean": control,
        "raw_lift": _of_variants(arms, figure / control - 1.0),
        "observed_sd": _of_variants(arms, np.sqrt(variance)),
        "chance_to_win": np.where(is_good, mixed.chance_to_win, _chance_below(mixed)),
        "e_value": np.where(is_good, up, down),
        "e_value_harm": np.where(is_good, down, up),
    }
    return rows.with_columns(pl.Series(n, v) for n, v in values.items())


def _arms(rows: pl.DataFrame) -> Arms:
    test = rows.select(pl.struct(KEY).rle_id()).to_series()
    names = ("units", "units_with", "log_figure", "log_variance", "is_counted")
    return Arms(
        test.cast(pl.Int64).to_numpy(),
        (rows["variation_index"] == 0).to_numpy(),
        *(rows[name].to_numpy() for name in names),
    )


def _effects(mixed: Mixed) -> dict[str, Floats]:
    names = ("effect", "effect_sd", "lift", "lift_low", "lift_high")
    return {name: getattr(mixed, name) for name in names}


def _chance_below(mixed: Mixed) -> Floats:
    """Return the chance of an effect below 0 worth the name."""
    return mixed.chance_of_effect - mixed.chance_to_win


def _default(tests: int) -> MixedPrior:
    return MixedPrior(
        np.tile(DEFAULT_PRIOR.scales, (tests, 1)),
        np.tile(DEFAULT_PRIOR.weights, (tests, 1)),
        np.full(tests, DEFAULT_PRIOR.shift),
        np.full(tests, DEFAULT_PRIOR.correlation),
    )


def _evidence(arms: Arms, prior: MixedPrior, sign: float) -> Floats:
    """Return the e-values for a change in the direction of ``sign``."""
    variance = arms.variance + arms.of_control(arms.variance)
    e = e_value.one_sided(
        sign * (arms.log_rate - arms.of_control(arms.log_rate)),
        variance,
        prior.scales[arms.test],
        prior.weights[arms.test],
        prior.shift[arms.test],
    )
    return _of_variants(arms, e)


def _of_variants(arms: Arms, values: Floats) -> Floats:
    return np.where(arms.is_control, np.nan, values)
