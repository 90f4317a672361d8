"""Whether a change works alike for all: effects by segment, for all tests in one pass.

Cut into enough segments, every test has one that looks different. So effects of
segments are drawn to their test's, by as much as segments have been alike in all tests
(``partial_pooling``), and one is called different on its own evidence alone: an e-value
against "as in the rest of the test", valid at every look, that has to be larger the
more segments are compared.
"""

import numpy as np
import polars as pl

from models.experiments import e_value, scales
from models.experiments.arms import Floats, log_rates
from models.experiments.mixing import prior_of, quantile
from models.experiments.partial_pooling import Pooled, Seen, centers, pool

SEGMENT_SCHEMA: dict[str, pl.DataType] = {
    "experiment_id": pl.String(),
    "site_id": pl.String(),
    "variation_index": pl.Int64(),
    "variant_id": pl.String(),
    "dimension": pl.String(),
    "segment": pl.String(),
    "units": pl.Int64(),
    "conversions": pl.Int64(),
    "control_units": pl.Int64(),
    "control_conversions": pl.Int64(),
    "raw_lift": pl.Float64(),
    "effect": pl.Float64(),
    "effect_sd": pl.Float64(),
    "lift": pl.Float64(),
    "lift_low": pl.Float64(),
    "lift_high": pl.Float64(),
    "difference": pl.Float64(),
    "spread": pl.Float64(),
    "e_value": pl.Float64(),
    "e_value_needed": pl.Float64(),
    "is_different": pl.Boolean(),
}
"""``experiments.segment_analyses``: one row per test, variant, dimension and segment;
controls have none."""
UNKNOWN = "unknown"
OTHER = "other"
"""What is beyond the ``LARGEST`` of a dimension, together."""
LARGEST = 12
"""Segments of a dimension that stand for themselves, by units: a hundred countries
would ask for evidence that no test has. Range 2 to 50."""
LEAST_CONVERSIONS = 5
"""In a segment, in its rest, in both arms: with fewer the log ratio is not near normal,
and no segment is called different. 5 to 1,000."""
LEVEL = 0.05
"""At most this share of tests without any differing segment ever has one called so."""
GROUP = ("experiment_id", "dimension", "variation_index")
COUNTS = ("units", "conversions", "control_units", "control_conversions")


def analyze(
    stats: pl.DataFrame, analyses: pl.DataFrame, interval: float = 0.90
) -> pl.DataFrame:
    """Return the effect of every variant in every segment of every sound test.

    Args:
        stats: rows of ``marts.mart_segment_stats``, of tests whose planned shares have
            not changed (pooled counts would mix times).
        analyses: rows of ``experiments.analyses``: the tests' priors and soundness.
        interval: probability that an interval on a lift holds.

    Returns:
        ``SEGMENT_SCHEMA``, sorted by its key. ``raw_lift`` is as counted; ``effect``
        (log ratio to the control) and ``lift`` are shrunk; ``difference`` is the
        posterior mean of the effect less the test's, ``spread`` the posterior root mean
        square of such differences in the test's dimension. ``e_value`` is that of the
        segment's counts against the rest of its dimension. What is unknown of a unit
        is no segment, and a dimension with one segment has no rows.
    """
    rows = _rows(stats, analyses)
    if rows.is_empty():
        return pl.DataFrame(schema=SEGMENT_SCHEMA)
    seen = _seen(rows)
    needed = pl.len().over("experiment_id") / LEVEL
    return (
        rows.with_columns(
            pl.Series("raw_lift", np.expm1(seen.value)),
            *_effects(_pooled(rows, seen), interval),
            pl.Series("e_value", _e_values(rows)),
            needed.alias("e_value_needed"),
        )
        .with_columns(_is_different())
        .select(
            pl.col(name).fill_nan(None)
            if kind == pl.Float64
            else pl.col(name).cast(kind)
            for name, kind in SEGMENT_SCHEMA.items()
        )
    )


def _is_different() -> pl.Expr:
    e = pl.col("e_value").fill_nan(0.0)
    return (e >= pl.col("e_value_needed")).alias("is_different")


def _rows(stats: pl.DataFrame, analyses: pl.DataFrame) -> pl.DataFrame:
    """Return one row per segment and variant of sound tests, beside its control."""
    is_sound = pl.col("problem").is_null() & ~pl.col("is_srm").fill_null(value=False)
    tests = analyses.filter(is_sound, ~pl.col("is_control")).select(
        "experiment_id", "variation_index", *_PRIOR
    )
    arms = _largest(stats.filter(pl.col("segment") != UNKNOWN))
    place = ["experiment_id", "dimension", "segment"]
    control = arms.filter(pl.col("variation_index") == 0).select(
        *place,
        pl.col("units").alias("control_units"),
        pl.col("conversions").alias("control_conversions"),
    )
    several = pl.len().over(GROUP) > 1
    return (
        arms.join(tests, on=["experiment_id", "variation_index"])
        .join(control, on=place)
        .filter(pl.col("units") > 0, pl.col("control_units") > 0)
        .filter(several)
        .sort(*GROUP, "segment")
    )


_PRIOR = ("prior_scales", "prior_weights", "prior_shift", "prior_correlation")


def _largest(stats: pl.DataFrame) -> pl.DataFrame:
    """Put together the segments of a dimension that are beyond the largest."""
    units = pl.col("units").sum().over("experiment_id", "dimension", "segment")
    sized = stats.with_columns(units.alias("size"))
    order = pl.struct(-pl.col("size"), "segment").rank("dense")
    is_large = order.over("experiment_id", "dimension") <= LARGEST
    named = sized.with_columns(
        pl.when(is_large).then("segment").otherwise(pl.lit(OTHER)).alias("segment")
    )
    arm = ("experiment_id", "site_id", "variation_index", "variant_id")
    return named.group_by(*arm, "dimension", "segment", maintain_order=True).agg(
        pl.col("units", "conversions").sum()
    )


def _seen(rows: pl.DataFrame) -> Seen:
    value, variance = _ratio(*(_floats(rows[name]) for name in COUNTS))
    group = rows.select(pl.struct(GROUP).rle_id()).to_series()
    return Seen(group.cast(pl.Int64).to_numpy(), value, variance)


def _ratio(
    units: Floats, conversions: Floats, control_units: Floats, control: Floats
) -> tuple[Floats, Floats]:
    """Return the log rate ratio to the control, and its sampling variance."""
    own, own_variance = log_rates(units, conversions)
    base, base_variance = log_rates(control_units, control)
    return own - base, own_variance + base_variance


def _floats(values: pl.Series) -> Floats:
    floats: Floats = values.cast(pl.Float64).to_numpy()
    return floats


def _pooled(rows: pl.DataFrame, seen: Seen) -> Pooled:
    variants = pl.col("variation_index").n_unique().over("experiment_id")
    groups = rows.with_columns((1.0 / variants).alias("weight")).unique(
        GROUP, keep="first", maintain_order=True
    )
    found = centers(seen, prior_of(groups))
    chances = np.empty_like(found.log_evidence)
    for dimension in groups["dimension"].unique():
        own = (groups["dimension"] == dimension).to_numpy()
        weight = groups["weight"].to_numpy()[own]
        chances[own] = scales.learn(found.log_evidence[own], weight)
    return pool(seen, found, chances)


def _effects(pooled: Pooled, interval: float) -> list[pl.Series]:
    share, mean, sd = pooled.share, pooled.effect, pooled.effect_sd
    effect = (share * mean).sum(axis=1)
    square = (share * (np.square(sd) + np.square(mean))).sum(axis=1)
    tail = 0.5 - interval / 2
    low, high = (quantile(share, mean, sd, p) for p in (tail, 1.0 - tail))
    values = {
        "effect": effect,
        "effect_sd": np.sqrt(np.maximum(square - np.square(effect), 0.0)),
        "lift": (share * np.expm1(mean + np.square(sd) / 2)).sum(axis=1),
        "lift_low": np.expm1(low),
        "lift_high": np.expm1(high),
        "difference": (share * pooled.difference).sum(axis=1),
        "spread": np.sqrt(share @ np.square(scales.SCALES)),
    }
    return [pl.Series(name, array) for name, array in values.items()]


def _e_values(rows: pl.DataFrame) -> Floats:
    """Return the evidence that a segment differs from the rest of its dimension."""
    counts = [_floats(rows[name]) for name in COUNTS]
    rest = [
        _floats(rows.select(pl.col(name).sum().over(GROUP) - pl.col(name))[name])
        for name in COUNTS
    ]
    own, variance = _ratio(*counts)
    others, others_variance = _ratio(*rest)
    told = (own - others, variance + others_variance)
    e = e_value.two_sided(*told, scales.SCALES, scales.DEFAULT)
    fewest = np.min([counts[1], counts[3], rest[1], rest[3]], axis=0)
    return np.where(fewest >= LEAST_CONVERSIONS, e, np.nan)
