"""Tests whose planned shares changed: compared within periods, then put together.

Pooled counts of such a test mix times: a variant that got most visitors on a good day
looks good (Simpson's paradox). Within a period shares are constant, so its arms are
alike in time; each arm's rate is the mean of its periods' rates, weighted for all arms
alike by the units that were new in each period. This is unbiased whatever made
the shares change, as long as they were set before the period began.

What the analysis reads are units and conversions; so each arm gets those of a simple
sample that has the same rate and the same variance of its logarithm.
"""

from datetime import datetime
from typing import NamedTuple

import numpy as np
import polars as pl

from models.experiments.arms import Floats
from models.experiments.special import chi_square_tail

BEFORE_ALL = datetime.fromisoformat("2000-01-01T00:00:00")
LEAST_EXPECTED = 5.0
"""A period in which an arm expects fewer units says nothing of the split."""
KEY = ("experiment_id", "variation_index")


class Pooled(NamedTuple):
    """What the analysis reads instead, and what it is told afterwards."""

    stats: pl.DataFrame
    """Rows as ``mart_experiment_stats``, metric ``conversion``, with equal counts of
    a simple sample."""
    weights: pl.DataFrame
    """Rows as ``raw.weights``: the shares of those counts."""
    seen: pl.DataFrame
    """experiment_id, variation_index, units, conversions (as counted), weight (mean
    planned share of the units), srm_p."""


def changed_tests(weights: pl.DataFrame, stats: pl.DataFrame) -> list[str]:
    """Return the tests whose planned shares changed after their first exposure."""
    started = stats.group_by("experiment_id").agg(
        pl.col("first_exposure_at").min().alias("started_at")
    )
    before = pl.col("weight").shift(1).over(KEY, order_by="from_at")
    moved = (
        weights.with_columns((pl.col("weight") != before).alias("is_moved"))
        .join(started, on="experiment_id")
        .filter(pl.col("is_moved") & (pl.col("from_at") > pl.col("started_at")))
    )
    return sorted(moved["experiment_id"].unique())


def pool(
    periods: pl.DataFrame,
    stats: pl.DataFrame,
    *,
    half_life_days: float | None = None,
    now: datetime | None = None,
) -> Pooled:
    """Put the periods of tests together.

    A period in which an arm had no unit compares nothing and is left out, its units
    with it.

    Args:
        periods: rows of ``marts.mart_experiment_period_stats``.
        stats: rows of ``marts.mart_experiment_stats`` of the same tests.
        half_life_days: a period so old counts half as much, where what is best
            may change; none: all count alike.
        now: from when ages are counted (naive UTC), with ``half_life_days``.
    """
    test_period = ("experiment_id", "from_at")
    arms = pl.len().over(test_period)
    rows = periods.sort("experiment_id", "from_at", "variation_index").filter(
        pl.col("units").min().over(test_period) > 0, arms >= 2
    )
    size = pl.col("units").sum().over(test_period).cast(pl.Float64)
    rows = rows.with_columns((size * _fading(half_life_days, now)).alias("mass"))
    simple = _simple(rows)
    first = stats.filter(pl.col("metric") == "conversion")
    base = first.drop("units", "conversions", "units_multiple")
    multiple = rows.group_by("experiment_id").agg(pl.col("units_multiple").sum())
    made = (
        base.join(simple, on=KEY, maintain_order="left")
        .join(multiple, on="experiment_id", how="left", maintain_order="left")
        .select(first.columns)
    )
    return Pooled(made, _weights(simple), _seen(rows))


def as_seen(table: pl.DataFrame, pooled: Pooled, warning: float) -> pl.DataFrame:
    """Return an analysis of pooled tests with the counts and the split as seen.

    Args:
        table: rows of ``experiments.analyses``, of all tests.
        pooled: those put together.
        warning: p below which a split is doubted; its level is then ``warning``.
    """
    p = pl.col("srm_p_seen")
    is_odd = (p < warning).fill_null(value=False)
    is_pooled = pl.col("units_seen").is_not_null()

    def instead(name: str, value: pl.Expr) -> pl.Expr:
        return pl.when(is_pooled).then(value).otherwise(name).alias(name)

    joined = table.join(
        pooled.seen, on=KEY, how="left", suffix="_seen", maintain_order="left"
    )
    return joined.with_columns(
        instead("units", pl.col("units_seen")),
        instead("conversions", pl.col("conversions_seen")),
        instead("weight", pl.col("weight_seen")),
        instead("srm_p", p),
        instead(
            "srm_level", pl.when(is_odd).then(pl.lit("warning")).otherwise(pl.lit("ok"))
        ),
        instead("is_srm", is_odd),
    ).select(table.columns)


def _fading(half_life_days: float | None, now: datetime | None) -> pl.Expr:
    if half_life_days is None or now is None:
        return pl.lit(1.0)
    end = pl.col("until_at").fill_null(now)
    age = (pl.lit(now) - end).dt.total_seconds() / 86_400.0
    fading: pl.Expr = pl.lit(0.5).pow(age / half_life_days)
    return fading


def _simple(rows: pl.DataFrame) -> pl.DataFrame:
    """Return each arm's units and conversions as of a simple sample."""
    units, reached = pl.col("units"), pl.col("conversions")
    rate = (reached + 0.5) / (units + 1.0)
    share = pl.col("mass") / pl.col("mass").sum().over(KEY)
    parts = rows.with_columns(
        (share * reached / units).alias("rate"),
        (share.pow(2) * rate * (1.0 - rate) / units).alias("variance"),
    )
    arms = parts.group_by(KEY, maintain_order=True).agg(
        pl.col("rate").sum(), pl.col("variance").sum()
    )
    kept = pl.col("rate").clip(1e-9, 1.0 - 1e-9)
    number = (kept * (1.0 - kept) / pl.col("variance")).round().clip(1.0)
    reached_then = (number * pl.col("rate")).round()
    # Whole conversions first, then units: so the rate hardly moves by rounding.
    size = pl.when(reached_then > 0).then((reached_then / kept).round())
    return arms.select(
        *KEY,
        size.otherwise(number).cast(pl.Int64).alias("units"),
        reached_then.cast(pl.Int64).alias("conversions"),
    )


def _weights(simple: pl.DataFrame) -> pl.DataFrame:
    share = pl.col("units") / pl.col("units").sum().over("experiment_id")
    return simple.select(
        "experiment_id",
        pl.lit(BEFORE_ALL).alias("from_at"),
        "variation_index",
        share.alias("weight"),
    )


def _seen(rows: pl.DataFrame) -> pl.DataFrame:
    size = pl.col("units").sum().over("experiment_id", "from_at")
    counted = (
        rows.with_columns(size.alias("size"))
        .group_by(KEY, maintain_order=True)
        .agg(
            pl.col("units").sum(),
            pl.col("conversions").sum(),
            ((pl.col("size") * pl.col("weight")).sum() / pl.col("size").sum()).alias(
                "weight"
            ),
        )
    )
    return counted.join(
        _sample_ratio(rows), on="experiment_id", how="left", maintain_order="left"
    )


def _sample_ratio(rows: pl.DataFrame) -> pl.DataFrame:
    """Return each test's p of its split, within periods and over all of them."""
    period = ("experiment_id", "from_at")
    expected = pl.col("units").sum().over(period) * pl.col("weight")
    told = rows.with_columns(expected.alias("expected")).filter(
        pl.col("expected").min().over(period) >= LEAST_EXPECTED
    )
    part = (pl.col("units") - pl.col("expected")).pow(2) / pl.col("expected")
    sums = told.group_by("experiment_id", maintain_order=True).agg(
        part.sum().alias("statistic"),
        (pl.len() - pl.col("from_at").n_unique()).alias("freedom"),
    )
    p: Floats = chi_square_tail(
        sums["statistic"].to_numpy(), sums["freedom"].to_numpy()
    )
    return sums.select("experiment_id", pl.Series("srm_p", np.asarray(p)))
