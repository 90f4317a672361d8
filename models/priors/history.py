"""Which finished tests may inform a prior, and why the others may not."""

from datetime import UTC, datetime
from typing import overload

import polars as pl

from models.experiments.special import binomial_tail, chi_square_tail

LEAST_EXPECTED = 10.0
"""Conversions that the smallest arm must expect at the test's overall rate. It looks
at the whole test and never at one arm's result, so it selects no effects. Range 5
to 100; fewer strain the normal approximation, more leave small sites out."""
SAMPLE_RATIO_ALPHA = 0.001
"""Past tests whose split is this unlikely under the planned one are left out."""


LEAST_HISTORY = 10
"""Tests that a history needs before it is asked whether it holds winners alone: fewer
may all have won by chance. Smaller histories are judged together."""
DECIDED, UNDECIDED = 3.0, 1.0
"""In standard errors. However large true effects are, noise spreads what is seen of
them by one standard error, so no whole history has many gains between 1 and 3 and
hardly a result from -1 to 1: there it was cut."""
LEAST_UNDECIDED = 0.4
"""Least share of undecided among both that a whole history has; where effects are so
large that results lie everywhere alike it is 0.5, of 70% nulls it is 0.8."""
GREATEST_GAINS = 0.8
"""Share of gains, in tests of two, that no whole history exceeds."""
CHOSEN_ALPHA = 0.001
"""A history is refused when it is this unlikely to be whole: by either sign."""
CHOSEN = "history of winners only"
"""Why tests of a chosen history are left out."""


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
    that most changes win, so it is refused, site by site. Where the planned split of a
    test is not known, an equal one is assumed.

    Args:
        past: rows of ``marts.mart_past_experiment_stats``; where ``weight`` is absent,
            no plan is known.
        before: only tests that ended before this may be used.

    Returns:
        One row per test: site_id, experiment_id, ended_at, reason (null: used).
    """
    planned = past if "weight" in past.columns else past.with_columns(_NO_PLAN)
    tests = planned.group_by("site_id", "experiment_id", maintain_order=True).agg(
        pl.col("ended_at").max(),
        pl.len().alias("arms"),
        (pl.col("variation_index") == 0).sum().alias("controls"),
        _is_impossible().any().alias("is_impossible"),
        pl.col("units").sum().cast(pl.Float64).alias("units"),
        pl.col("units").min().cast(pl.Float64).alias("least_units"),
        pl.col("conversions").sum().cast(pl.Float64).alias("conversions"),
        _away_from_plan(),
        _best_z().alias("best_z"),
    )
    reason = _reason(_is_later(naive_utc(before)))
    reasoned = tests.with_columns(_sample_ratio_p(tests)).with_columns(reason)
    return _without_chosen(reasoned).select(
        "site_id", "experiment_id", "ended_at", "reason"
    )


def _best_z() -> pl.Expr:
    """Return how far the best variant lies above the control, in standard errors."""
    units = pl.col("units").cast(pl.Float64) + 0.5
    conversions = pl.col("conversions").cast(pl.Float64) + 0.5
    log_rate, variance = (conversions / units).log(), 1.0 / conversions - 1.0 / units
    is_control = pl.col("variation_index") == 0
    of_control = log_rate.filter(is_control).first()
    noise = (variance + variance.filter(is_control).first()).sqrt()
    return ((log_rate - of_control) / noise).filter(~is_control).max()


def _without_chosen(tests: pl.DataFrame) -> pl.DataFrame:
    """Refuse histories from which the undecided or the lost tests were left out.

    Each site's history is judged by itself; those of too few tests are judged as one.
    """
    is_used = pl.col("reason").is_null()
    is_long = is_used.sum().over("site_id") >= LEAST_HISTORY
    history = pl.when(is_long).then("site_id").alias("history")
    judged = tests.with_columns(history)
    chosen = judged.filter(is_used).group_by("history").agg(_is_chosen())
    joined = judged.join(
        chosen, on="history", how="left", nulls_equal=True, maintain_order="left"
    )
    is_refused = is_used & pl.col("is_chosen").fill_null(value=False)
    told = pl.when(is_refused).then(pl.lit(CHOSEN)).otherwise("reason")
    return joined.with_columns(told.alias("reason"))


def _is_chosen() -> pl.Expr:
    """Say whether a history was cut at a level of significance, or at zero."""
    z, of_pair = pl.col("best_z"), pl.col("arms") == 2
    undecided = (z.abs() <= UNDECIDED).sum()
    decided = z.is_between(UNDECIDED, DECIDED, closed="right").sum()
    losses = (of_pair & (z <= 0)).sum()
    chances = [
        _chance_of_fewer(undecided, undecided + decided, LEAST_UNDECIDED),
        _chance_of_fewer(losses, of_pair.sum(), 1.0 - GREATEST_GAINS),
    ]
    is_unlikely = pl.min_horizontal(chances) < CHOSEN_ALPHA
    return ((pl.len() >= LEAST_HISTORY) & is_unlikely).alias("is_chosen")


def _chance_of_fewer(seen: pl.Expr, of: pl.Expr, share: float) -> pl.Expr:
    """Return the chance to see that many or fewer, were this their share."""

    def chance(counts: pl.Series) -> pl.Series:
        number, total = (counts.struct.field(name) for name in ("seen", "of"))
        return pl.Series(binomial_tail(number.to_numpy(), total.to_numpy(), share))

    pair = pl.struct(seen.alias("seen"), of.alias("of"))
    return pair.map_batches(chance, return_dtype=pl.Float64, returns_scalar=True)


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


_NO_PLAN = pl.lit(None, pl.Float64).alias("weight")


def _away_from_plan() -> pl.Expr:
    """Return the chi-square statistic of a test's units against its planned shares."""
    units, weight = pl.col("units").cast(pl.Float64), pl.col("weight")
    is_planned = weight.is_not_null().all()
    share = pl.when(is_planned).then(weight / weight.sum()).otherwise(1.0 / pl.len())
    expected = share * units.sum()
    return ((units - expected).pow(2) / expected).sum().alias("away_from_plan")


def _sample_ratio_p(tests: pl.DataFrame) -> pl.Series:
    arms = tests["arms"].to_numpy()
    p = chi_square_tail(tests["away_from_plan"].to_numpy(), arms - 1)
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
