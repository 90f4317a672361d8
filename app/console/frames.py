"""From the reports to the tables that the pages show: pure functions of frames."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from app.console.reading import Reports
from app.console.schema import ANALYSES
from code24 import holdout

YEAR_DAYS = 365
TREND_DAYS = 28
"""Four whole weeks, so that a sparkline and its total do not hang on the weekday."""
LAST_WEEKS = f"-{TREND_DAYS}d"
MAX_ROWS = 2_000
"""Rows drawn at once; the rest is reached by narrowing the filter."""
HUNDREDTHS_OF_PERCENT = 10_000


def portfolio(reports: Reports) -> pl.DataFrame:
    """Return one row per site: goal, traffic, results, tests and last decision."""
    return (
        reports.sites.join(_main_goals(reports), on="site_id", how="left")
        .join(_trends(reports.site_daily), on="site_id", how="left")
        .join(_test_counts(reports.tests), on="site_id", how="left")
        .join(_newest(told(reports.decisions), "site_id"), on="site_id", how="left")
        .with_columns(pl.col("tests_running", "tests_all").fill_null(0))
        .sort("site_id")
    )


def site_goals(site: dict[str, object]) -> list[str]:
    """Return the goals of a site, its main one first."""
    goals = site["goals"]
    return [str(goal) for goal in goals] if isinstance(goals, list) else []


def _main_goals(reports: Reports) -> pl.DataFrame:
    """One row per site: its first goal, or else the one it reaches most often."""
    reached = (
        reports.goal_daily.group_by("site_id", "goal_type")
        .agg(pl.col("conversions").sum())
        .sort("conversions", "goal_type", descending=[True, False])
        .group_by("site_id", maintain_order=True)
        .agg(pl.col("goal_type").first().alias("reached"))
    )
    named = reports.sites.select("site_id", pl.col("goals").list.first().alias("named"))
    return named.join(reached, on="site_id", how="left").select(
        "site_id", pl.coalesce("named", "reached").alias("goal")
    )


def _trends(daily: pl.DataFrame) -> pl.DataFrame:
    """One row per site: totals and dense daily values of its last four weeks."""
    last = daily.group_by("site_id").agg(pl.col("date_day").max().alias("last_day"))
    values = ("visitors", "conversions", "conversion_value_cents")
    return (
        last.join(pl.DataFrame({"back": range(TREND_DAYS - 1, -1, -1)}), how="cross")
        .with_columns(
            (pl.col("last_day") - pl.duration(days=pl.col("back"))).alias("date_day")
        )
        .join(daily, on=["site_id", "date_day"], how="left")
        .sort("site_id", "date_day")
        .group_by("site_id", maintain_order=True)
        .agg(
            pl.col("last_day").first(),
            *(pl.col(name).sum() for name in values),
            *(pl.col(name).fill_null(0).alias(f"{name}_trend") for name in values),
        )
    )


def days(reports: Reports, site_id: str) -> pl.DataFrame:
    """Return one row per day of a site's last year with data, days without it too."""
    own = reports.site_daily.filter(pl.col("site_id") == site_id)
    if own.is_empty():
        return own
    span = own.select(
        first=pl.max_horizontal(
            pl.col("date_day").min(),
            pl.col("date_day").max().dt.offset_by(f"-{YEAR_DAYS - 1}d"),
        ),
        last=pl.col("date_day").max(),
    ).row(0)
    dense = pl.DataFrame({"date_day": pl.date_range(*span, eager=True)})
    return (
        dense.join(own, on="date_day", how="left")
        .with_columns(pl.col("visitors", "conversions").fill_null(0))
        .sort("date_day")
    )


def channels(reports: Reports, site_id: str) -> pl.DataFrame:
    """Return one row per channel of a site's last four weeks, the largest first."""
    return (
        _of_last_weeks(reports, reports.channel_daily, site_id)
        .group_by("channel")
        .agg(pl.col("sessions", "conversions", "value_cents").sum())
        .sort("sessions", "channel", descending=[True, False])
    )


def bots(reports: Reports, site_id: str) -> pl.DataFrame:
    """Return one row per reason of a site's last four weeks, the most events first."""
    return (
        _of_last_weeks(reports, reports.bot_daily, site_id)
        .group_by("bot_reason")
        .agg(pl.col("events").sum(), pl.col("date_day").max())
        .sort("events", "bot_reason", descending=[True, False])
    )


def _of_last_weeks(reports: Reports, daily: pl.DataFrame, site_id: str) -> pl.DataFrame:
    """Return the rows of a site's last 28 days, up to the newest it has data of."""
    own_days = reports.site_daily.filter(pl.col("site_id") == site_id)["date_day"]
    newest = own_days.max()
    return daily.filter(
        (pl.col("site_id") == site_id)
        & (pl.col("date_day") > pl.lit(newest).cast(pl.Date).dt.offset_by(LAST_WEEKS))
    )


def _test_counts(tests: pl.DataFrame) -> pl.DataFrame:
    """One row per site: how many of its tests run, and how many there are.

    Those that verify what was shipped are not counted: nobody made them.
    """
    return (
        tests.filter(pl.col("test_type") != holdout.KIND)
        .unique("experiment_id")
        .group_by("site_id")
        .agg(
            (pl.col("status") == "running").sum().alias("tests_running"),
            pl.len().alias("tests_all"),
        )
    )


def _newest(decisions: pl.DataFrame, key: str) -> pl.DataFrame:
    """One row per site or test: its newest decision."""
    return (
        decisions.sort("decided_at")
        .group_by(key)
        .agg(
            pl.col("kind").last().alias("decision"),
            pl.col("is_claimed").last(),
            pl.col("decided_at").last(),
        )
    )


def tests_list(reports: Reports) -> pl.DataFrame:
    """Return one row per test: its leading variant, decision and health."""
    return (
        _definitions(reports.tests)
        .join(_leaders(reports.analyses), on="experiment_id", how="left")
        .join(_health(reports.analyses), on="experiment_id", how="left")
        .join(
            _newest(told(reports.decisions), "experiment_id"),
            on="experiment_id",
            how="left",
        )
        .with_columns(
            _health_words().alias("health"),
            pl.col("is_srm").fill_null(False),
            *_verifying(),
        )
        .sort(
            pl.col("health") == "",
            pl.col("status") != "running",
            pl.coalesce("end_at", "start_at"),
            "experiment_id",
            descending=[False, False, True, False],
            nulls_last=True,
        )
    )


def _verifying() -> list[pl.Expr]:
    """Name the test that a holdout verifies, and the share held out; null if none."""
    is_one = pl.col("test_type") == holdout.KIND
    name = pl.col("experiment_id")
    share = name.str.extract(holdout.NAME, 2).cast(pl.Float64) / HUNDREDTHS_OF_PERCENT
    return [
        pl.when(is_one).then(name.str.extract(holdout.NAME, 1)).alias("verifies"),
        pl.when(is_one).then(share).alias("held_out"),
    ]


def verifications(tests: pl.DataFrame, test_id: str) -> pl.DataFrame:
    """Return the tests that verify what a test shipped, the newest share first.

    Args:
        tests: the ``tests_list``.
        test_id: the test that shipped.
    """
    own = tests.filter(pl.col("verifies") == test_id)
    return own.sort("start_at", "held_out", descending=True, nulls_last=True)


def proposed(evidence: Mapping[str, Any], names: Mapping[str, str]) -> pl.DataFrame:
    """Return one row per variant of a decision's evidence, as ``variants`` has them.

    Args:
        evidence: the decision's.
        names: what each variant is called, by its id.
    """
    shared = {name: evidence.get(name) for name in ("prior_mean", "prior_sd")}
    arms = evidence.get("variants") or []
    rows = [{**arm, **shared, "is_control": i == 0} for i, arm in enumerate(arms)]
    columns = {**ANALYSES.required, **ANALYSES.optional}
    ids = pl.col("variant_id")
    return pl.DataFrame(rows, schema=columns, strict=False).with_columns(
        ids.replace_strict(names, default=None, return_dtype=pl.String).alias("name")
    )


def _definitions(tests: pl.DataFrame) -> pl.DataFrame:
    """One row per test, from one row per variant."""
    shared = ("site_id", "test_type", "goal_type", "status", "start_at", "end_at")
    return (
        tests.sort("experiment_id", "variation_index")
        .group_by("experiment_id", maintain_order=True)
        .agg(
            *(pl.col(name).first() for name in (*shared, "winner_variant_id")),
            pl.col("coverage").first(),
            pl.len().alias("variants"),
        )
    )


def _leaders(analyses: pl.DataFrame) -> pl.DataFrame:
    """One row per test: the variant that is likeliest to beat the control."""
    return (
        analyses.filter(~pl.col("is_control"))
        .sort("chance_best", "lift", nulls_last=True, descending=True)
        .group_by("experiment_id", maintain_order=True)
        .agg(
            pl.col(
                "variant_id", "lift", "lift_low", "lift_high", "raw_lift",
                "chance_to_win", "expected_loss",
            ).first()
        )
        .rename({"variant_id": "leader"})
    )  # fmt: skip


def _health(analyses: pl.DataFrame) -> pl.DataFrame:
    """One row per test: counts over its variants, and what is wrong with it."""
    return analyses.group_by("experiment_id").agg(
        pl.col("units", "conversions").sum(),
        pl.col("srm_p").min(),
        pl.col("srm_level").first(),
        pl.col("units_multiple").first(),
        pl.col("is_srm").any(),
        pl.col("is_enough_data").all(),
        pl.col("problem").drop_nulls().first(),
    )


def _health_words() -> pl.Expr:
    """Name the worst that is wrong with a test; empty where nothing is."""
    return (
        pl.when(pl.col("srm_level") == "warning")
        .then(pl.lit("Split in doubt"))
        .when(pl.col("is_srm"))
        .then(pl.lit("Split is off"))
        .when(pl.col("problem").is_not_null())
        .then(pl.lit("Not analysed"))
        .when(pl.col("units").is_null() & (pl.col("status") == "running"))
        .then(pl.lit("No visitors yet"))
        .otherwise(pl.lit(""))
    )


def variants(reports: Reports, test_id: str) -> pl.DataFrame:
    """Return one row per variant of a test: definition, counts and analysis."""
    defined = reports.tests.filter(pl.col("experiment_id") == test_id).select(
        "variation_index", "variant_id", "name"
    )
    analysed = reports.analyses.filter(pl.col("experiment_id") == test_id).drop(
        "experiment_id", "site_id", "variant_id"
    )
    return (
        defined.join(analysed, on="variation_index", how="left")
        .sort("variation_index")
        .with_columns(
            (pl.col("units") / pl.col("units").sum()).alias("share"),
            pl.col("is_control").fill_null(pl.col("variation_index") == 0),
            pl.coalesce(
                "rate",
                pl.col("conversions") / pl.when(pl.col("units") > 0).then("units"),
            ).alias("rate"),
        )
    )


def history(
    reports: Reports, column: str | None = None, value: str = ""
) -> pl.DataFrame:
    """Return decisions, the newest first; of one site or one test where named."""
    found = told(reports.decisions)
    if column is not None:
        found = found.filter(pl.col(column) == value)
    return found.sort("decided_at", "decision_id", descending=True)


def told(decisions: pl.DataFrame) -> pl.DataFrame:
    """Name the undoing of a decision by a kind of its own, and what it undoes.

    The log keeps an undoing as a ``keep`` whose evidence says ``undoes``.
    """
    undoes = pl.col("evidence").str.json_path_match("$.undoes")
    return decisions.with_columns(
        undoes.alias("undoes"),
        pl.when(undoes.is_not_null())
        .then(pl.lit("undo"))
        .otherwise("kind")
        .alias("kind"),
    )
