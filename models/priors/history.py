"""Which finished tests may inform a prior, and why the others may not."""

from datetime import UTC, datetime
from typing import overload

import polars as pl

from models.experiments.special import chi_square_tail

LEAST_EXPECTED = 10.0
"""Conversions that the smallest arm must expect at the test's overall rate. It looks
at the whole test and never at one arm's result, so it selects no effects. Range 5
to 100; fewer strain the normal approximation, more leave small sites out."""
SAMPLE_RATIO_ALPHA = 0.001
"""Past tests whose split is this unlikely under an equal one are left out."""


@overload
def naive_utc(moment: datetime) -> datetime: ...
@overload
def naive_utc(moment: None) -> None: ...
def naive_utc(moment: datetime | None) -> datetime | None:
    """Return the moment as the warehouse keeps it: UTC, without a time zone."""
    if moment is None or moment.tzinfo is None:
        return moment
    return moment.astimezone(UTC).replace(tzinfo=None)


def screen(past: pl.DataFrame, *, before: datetime | None = None) -> pl.DataFrame:
    """Say of each past test whether it may inform a prior.

    Every sound test counts, shipped or not: a history of winners alone would teach
    that most changes win. The planned split of past tests is not known, so an
    equal one is assumed.

    Returns:
        One row per test: site_id, experiment_id, ended_at, reason (null: used).
    """
    tests = past.group_by("site_id", "experiment_id", maintain_order=True).agg(
        pl.col("ended_at").max(),
        pl.len().alias("arms"),
        (pl.col("variation_index") == 0).sum().alias("controls"),
        _is_impossible().any().alias("is_impossible"),
        pl.col("units").sum().cast(pl.Float64).alias("units"),
        pl.col("units").min().cast(pl.Float64).alias("least_units"),
        pl.col("conversions").sum().cast(pl.Float64).alias("conversions"),
        pl.col("units").cast(pl.Float64).pow(2).sum().alias("units_square"),
    )
    reason = _reason(_is_later(naive_utc(before)))
    return tests.with_columns(_sample_ratio_p(tests)).select(
        "site_id", "experiment_id", "ended_at", reason
    )


def _is_impossible() -> pl.Expr:
    units, conversions = pl.col("units"), pl.col("conversions")
    return (
        units.is_null()
        | conversions.is_null()
        | (conversions < 0)
        | (conversions > units)
        | (units < 1)
    )


def _is_later(before: datetime | None) -> pl.Expr:
    if before is None:
        return pl.lit(value=False)
    return pl.col("ended_at") >= pl.lit(before, dtype=pl.Datetime("us"))


def _sample_ratio_p(tests: pl.DataFrame) -> pl.Series:
    """Return the p of an equal split; Σ(n - m)²/m is Σn²/m - N with m = N/k."""
    expected = tests["units"] / tests["arms"]
    statistic = tests["units_square"] / expected - tests["units"]
    p = chi_square_tail(statistic.to_numpy(), (tests["arms"] - 1).to_numpy())
    return pl.Series("srm_p", p)


def _reason(is_later: pl.Expr) -> pl.Expr:
    expected = pl.col("least_units") * pl.col("conversions") / pl.col("units")
    return (
        pl.when(pl.col("ended_at").is_null())
        .then(pl.lit("not finished"))
        .when(is_later)
        .then(pl.lit("ended later"))
        .when(pl.col("arms") < 2)
        .then(pl.lit("fewer than two variants"))
        .when(pl.col("controls") != 1)
        .then(pl.lit("no single control"))
        .when("is_impossible")
        .then(pl.lit("impossible counts"))
        .when(expected < LEAST_EXPECTED)
        .then(pl.lit("too few conversions"))
        .when(pl.col("srm_p") < SAMPLE_RATIO_ALPHA)
        .then(pl.lit("sample ratio"))
        .alias("reason")
    )
