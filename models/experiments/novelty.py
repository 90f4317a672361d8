"""Whether an effect stays: its slope over the days of the test, for all tests at once.

What is new draws attention for a while, and what is familiar is missed for a while. So
the log ratio of a variant to its control is let change at a constant pace from the
test's first day on, and the pace is drawn to nought by as much as the paces of all
tests are small.
A change of pace is called shown on an e-value alone, valid at every look.

Given how many converted on a day, how many of them are the variant's is binomial, so
that days with few conversions weigh as they should.
"""

from typing import NamedTuple

import numpy as np
import polars as pl

from models.experiments import e_value, scales
from models.experiments.arms import Floats, Integers
from models.experiments.mixing import quantile, shares
from models.experiments.special import normal_quantile

NOVELTY_SCHEMA: dict[str, pl.DataType] = {
    "experiment_id": pl.String(),
    "site_id": pl.String(),
    "variation_index": pl.Int64(),
    "variant_id": pl.String(),
    "days": pl.Int64(),
    "raw_slope": pl.Float64(),
    "slope": pl.Float64(),
    "slope_low": pl.Float64(),
    "slope_high": pl.Float64(),
    "lift_first": pl.Float64(),
    "lift_latest": pl.Float64(),
    "lift_latest_low": pl.Float64(),
    "lift_latest_high": pl.Float64(),
    "e_value": pl.Float64(),
    "e_value_needed": pl.Float64(),
    "course": pl.String(),
    "is_changing": pl.Boolean(),
}
"""``experiments.novelty_analyses``: one row per test and variant with enough data."""
WEEK_DAYS = 7.0
LEAST_DAYS = 7
"""Days with conversions: with fewer a weekend passes for a change. 3 to 28."""
LEAST_CONVERSIONS = 25
"""In either arm, as everywhere before anything is concluded."""
LEVEL = 0.05
"""At most this share of tests with steady effects is ever said to change."""
STEPS = 8
"""Newton's; with 25 conversions the eighth moves the slope by less than 1e-6."""
LONGEST_STEP = 1.0
"""Of a log ratio, or of it a week: keeps the first steps from running away."""
GROUP = ("experiment_id", "variation_index")


def analyze(
    days: pl.DataFrame, analyses: pl.DataFrame, interval: float = 0.90
) -> pl.DataFrame:
    """Return how the effect of each variant changes over the days of its test.

    Args:
        days: rows of ``marts.mart_experiment_daily_stats``, of tests whose planned
            shares have not changed (who converts on a day would differ by entry).
        analyses: rows of ``experiments.analyses``: the whole test's effect.
        interval: probability that an interval holds.

    Returns:
        ``NOVELTY_SCHEMA``, sorted by its key; sound tests with ``LEAST_DAYS`` and
        ``LEAST_CONVERSIONS``. Slopes are of the log ratio a week; ``raw_slope`` as
        counted, the others shrunk. ``lift_first`` and ``lift_latest`` are what the
        whole test's effect and the slope make of the first and the newest day.
        ``course`` is ``falling``, ``rising``, or ``steady`` where no change is shown.
    """
    rows = _rows(days, analyses)
    if rows.is_empty():
        return pl.DataFrame(schema=NOVELTY_SCHEMA)
    line = _line(_daily(rows))
    tests = rows.group_by(GROUP, maintain_order=True).agg(
        pl.col("site_id", "variant_id", "effect", "effect_sd", "compared").first(),
        pl.len().alias("days"),
        pl.col("week").max().alias("latest"),
    )
    needed = pl.col("compared") / LEVEL
    e = e_value.two_sided(line.slope, line.variance, scales.SCALES, scales.DEFAULT)
    return (
        tests.with_columns(
            pl.Series("raw_slope", line.slope),
            *_shrunk(tests, line, interval),
            pl.Series("e_value", e),
            needed.alias("e_value_needed"),
        )
        .with_columns((pl.col("e_value") >= needed).alias("is_changing"))
        .with_columns(_course())
        .select(pl.col(name).cast(kind) for name, kind in NOVELTY_SCHEMA.items())
    )


def _rows(days: pl.DataFrame, analyses: pl.DataFrame) -> pl.DataFrame:
    """Return one row per variant and day with conversions, beside its control's."""
    is_sound = pl.col("problem").is_null() & ~pl.col("is_srm").fill_null(value=False)
    tests = analyses.filter(is_sound, ~pl.col("is_control")).select(
        *GROUP,
        "variant_id",
        "effect",
        "effect_sd",
        pl.len().over("experiment_id").alias("compared"),
    )
    arms = _dense(days)
    control = arms.filter(pl.col("variation_index") == 0).select(
        "experiment_id", "week", pl.col("exposed", "conversions").name.prefix("base_")
    )
    own = pl.col("conversions")
    total = own.sum().over(GROUP)
    base_total = pl.col("base_conversions").sum().over(GROUP)
    return (
        arms.join(tests, on=GROUP)
        .join(control, on=["experiment_id", "week"])
        .filter(own + pl.col("base_conversions") > 0)
        .filter(pl.col("exposed") > 0, pl.col("base_exposed") > 0)
        .filter(pl.len().over(GROUP) >= LEAST_DAYS)
        .filter(total >= LEAST_CONVERSIONS, base_total >= LEAST_CONVERSIONS)
        .sort(*GROUP, "week")
    )


def _dense(days: pl.DataFrame) -> pl.DataFrame:
    """Return every arm on every day of its test, with the units exposed up to it."""
    arms = days.select("experiment_id", "site_id", "variation_index").unique()
    dates = days.select("experiment_id", "date_day").unique()
    first = pl.col("date_day").min().over("experiment_id")
    since = (pl.col("date_day") - first).dt.total_days()
    seen = days.select(*GROUP, "date_day", "units", "conversions")
    return (
        arms.join(dates, on="experiment_id")
        .join(seen, on=[*GROUP, "date_day"], how="left")
        .sort(*GROUP, "date_day")
        .with_columns(
            pl.col("units", "conversions").fill_null(0),
            (since / WEEK_DAYS).alias("week"),
        )
        .with_columns(pl.col("units").cum_sum().over(GROUP).alias("exposed"))
    )


class _Daily(NamedTuple):
    """Days of all variants as flat arrays, those of a variant together."""

    group: Integers
    week: Floats
    offset: Floats
    """Log ratio of the units exposed so far."""
    total: Floats
    """Conversions of both arms."""
    own: Floats
    """Those of the variant."""

    def sums(self, values: Floats) -> Floats:
        """Return the sums over each variant's days."""
        total: Floats = np.bincount(self.group, weights=values).astype(np.float64)
        return total


class _Line(NamedTuple):
    """The line through the log ratios of each variant."""

    slope: Floats
    variance: Floats
    center: Floats
    """The week around which level and slope are independent."""


def _daily(rows: pl.DataFrame) -> _Daily:
    names = ("week", "exposed", "base_exposed", "conversions", "base_conversions")
    week, exposed, base_exposed, own, base = (
        rows[name].cast(pl.Float64).to_numpy() for name in names
    )
    group = rows.select(pl.struct(GROUP).rle_id()).to_series()
    offset = np.log(exposed) - np.log(base_exposed)
    return _Daily(group.cast(pl.Int64).to_numpy(), week, offset, own + base, own)


def _line(days: _Daily) -> _Line:
    """Fit a level and a slope to each variant by Newton's method.

    Units that have converted are not taken from those exposed: most who convert do so
    when they come, and the ratio of the rest moves by a rate's share of the effect.
    """
    level = slope = np.zeros(int(days.group[-1]) + 1)
    for _ in range(STEPS):
        away, center, spread, rest = _at(days, level, slope)
        rise = days.sums(rest * away) / spread
        lift = days.sums(rest) / _weight(days, level, slope)
        rise, lift = (np.clip(v, -LONGEST_STEP, LONGEST_STEP) for v in (rise, lift))
        level, slope = level + lift - rise * center, slope + rise
    _, center, spread, _ = _at(days, level, slope)
    return _Line(slope, 1.0 / spread, center)


def _at(
    days: _Daily, level: Floats, slope: Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return weeks from the center, the centers, the information, the residuals."""
    share = _share(days, level, slope)
    weight = days.total * share * (1.0 - share)
    center = days.sums(weight * days.week) / days.sums(weight)
    away = days.week - center[days.group]
    return (
        away,
        center,
        days.sums(weight * np.square(away)),
        days.own - days.total * share,
    )


def _weight(days: _Daily, level: Floats, slope: Floats) -> Floats:
    share = _share(days, level, slope)
    return days.sums(days.total * share * (1.0 - share))


def _share(days: _Daily, level: Floats, slope: Floats) -> Floats:
    """Return the variant's share of each day's conversions, kept off 0 and 1."""
    log_odds = days.offset + level[days.group] + slope[days.group] * days.week
    share: Floats = 1.0 / (1.0 + np.exp(-np.clip(log_odds, -12.0, 12.0)))
    return share


def _shrunk(tests: pl.DataFrame, line: _Line, interval: float) -> list[pl.Series]:
    total = line.variance[:, None] + np.square(scales.SCALES)
    evidence = -0.5 * (np.log(total) + np.square(line.slope)[:, None] / total)
    weight = 1.0 / tests["compared"].cast(pl.Float64).to_numpy()
    chances = scales.learn(evidence, weight)
    share = shares(evidence, np.broadcast_to(chances, evidence.shape))
    kept = np.square(scales.SCALES) / total
    mean, sd = kept * line.slope[:, None], np.sqrt(kept * line.variance[:, None])
    slope = (share * mean).sum(axis=1)
    square = (share * (np.square(sd) + np.square(mean))).sum(axis=1)
    slope_sd = np.sqrt(np.maximum(square - np.square(slope), 0.0))
    tail = 0.5 - interval / 2
    values = {
        "slope": slope,
        "slope_low": quantile(share, mean, sd, tail),
        "slope_high": quantile(share, mean, sd, 1.0 - tail),
        **_lifts(tests, line.center, slope, slope_sd, normal_quantile(1.0 - tail)),
    }
    return [pl.Series(name, array) for name, array in values.items()]


def _lifts(
    tests: pl.DataFrame, center: Floats, slope: Floats, slope_sd: Floats, z: float
) -> dict[str, Floats]:
    """Return the lifts of the first and of the newest day."""
    effect, effect_sd, latest = (
        tests[name].to_numpy() for name in ("effect", "effect_sd", "latest")
    )
    ahead = latest - center
    mean = effect + slope * ahead
    sd = np.hypot(effect_sd, slope_sd * ahead)
    return {
        "lift_first": np.expm1(effect - slope * center),
        "lift_latest": np.expm1(mean),
        "lift_latest_low": np.expm1(mean - z * sd),
        "lift_latest_high": np.expm1(mean + z * sd),
    }


def _course() -> pl.Expr:
    way = pl.when(pl.col("slope") < 0).then(pl.lit("falling"))
    told = way.otherwise(pl.lit("rising"))
    return pl.when("is_changing").then(told).otherwise(pl.lit("steady")).alias("course")
