"""The door of the analysis: rows of the mart, checked test by test.

A fault in the rows of one test becomes that test's ``problem``; the others go on.
"""

from typing import NamedTuple

import polars as pl

from code24.errors import Code24Error

GREATEST_COUNT = 1e12
"""No site has a trillion visitors: such a count is a mistake."""
WEIGHT_TOLERANCE = 1e-6
COUNTS = ("units", "conversions", "units_multiple")
STATS_COLUMNS = (
    "experiment_id",
    "site_id",
    "variation_index",
    "variant_id",
    "metric",
    *COUNTS,
    "first_exposure_at",
    "last_exposure_at",
)
WEIGHTS_COLUMNS = ("experiment_id", "from_at", "variation_index", "weight")


class AnalysisInputError(Code24Error):
    """A table lacks a column that the analysis reads."""


def checked(stats: pl.DataFrame, weights: pl.DataFrame) -> pl.DataFrame:
    """Return the conversion rows with their planned weights and any problem.

    Args:
        stats: rows of ``marts.mart_experiment_stats``; only the metric
            ``conversion`` is read.
        weights: rows of ``raw.weights``.

    Returns:
        One row per (experiment_id, variation_index), sorted so, with ``weight``,
        ``problem`` (one sentence, the same on each row of a test, or null) and
        ``is_active`` (the row can be analysed).

    Raises:
        AnalysisInputError: a table lacks a column.
    """
    _require(stats, STATS_COLUMNS, "experiment stats")
    _require(weights, WEIGHTS_COLUMNS, "weights")
    rows = stats.filter(pl.col("metric") == "conversion").select(STATS_COLUMNS)
    rows = rows.drop("metric").with_columns(
        pl.col("variation_index").cast(pl.Int64, strict=False),
        pl.col(*COUNTS).cast(pl.Float64, strict=False),
    )
    rows = rows.sort("experiment_id", "variation_index", nulls_last=True)
    return _with_problem(_with_weight(rows, weights))


def _require(frame: pl.DataFrame, columns: tuple[str, ...], table: str) -> None:
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise AnalysisInputError(
            f"{table}: column {', '.join(missing)} is missing; build the marts again"
        )


def _with_weight(rows: pl.DataFrame, weights: pl.DataFrame) -> pl.DataFrame:
    """Add the newest weight, and when it last changed while the test was seen."""
    key = ["experiment_id", "variation_index"]
    first = rows.group_by("experiment_id").agg(
        pl.col("first_exposure_at").min().alias("started_at")
    )
    history = (
        weights.select(WEIGHTS_COLUMNS)
        .with_columns(pl.col("variation_index").cast(pl.Int64, strict=False))
        .sort(*key, "from_at")
        .join(first, on="experiment_id", how="inner")
        .with_columns(pl.col("weight").shift(1).over(key).alias("previous"))
    )
    is_changed = (pl.col("weight") != pl.col("previous")) & (
        pl.col("from_at") > pl.col("started_at")
    )
    newest = history.group_by(key).agg(
        pl.col("weight").last().cast(pl.Float64),
        pl.col("from_at").filter(is_changed).max().alias("changed_at"),
    )
    return rows.join(newest, on=key, how="left", maintain_order="left")


class _Fault(NamedTuple):
    """A condition on a row, and the sentence that tells of it."""

    condition: pl.Expr
    sentence: pl.Expr


def _fault(condition: pl.Expr, text: str, *values: pl.Expr) -> _Fault:
    sentence = pl.format(text, *values) if values else pl.lit(text)
    return _Fault(condition.fill_null(value=False), sentence)


def _with_problem(rows: pl.DataFrame) -> pl.DataFrame:
    """Add ``problem`` and ``is_active``; sentences are made for faulty rows alone.

    Of several faults in a test, the one that stands first in the lists is told.
    """
    is_idle = (pl.col("units") == 0) & (pl.col("weight") == 0)
    rows = rows.with_columns((~is_idle).fill_null(value=True).alias("is_active"))
    rows = rows.with_columns(*_totals())
    faults = [*_row_faults(), *_test_faults()]
    faulty = rows.filter(pl.any_horizontal(fault.condition for fault in faults))
    told_rows = _told(rows, faulty, faults) if faulty.height else _untold(rows)
    is_sound = pl.col("problem").is_null()
    return told_rows.with_columns(pl.col("is_active") & is_sound).drop(
        "changed_at", "active", "controls", "total_weight", "same"
    )


def _untold(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(pl.lit(None, pl.String).alias("problem"))


def _told(
    rows: pl.DataFrame, faulty: pl.DataFrame, faults: list[_Fault]
) -> pl.DataFrame:
    told = pl.coalesce(pl.when(f.condition).then(f.sentence) for f in faults)
    rank = pl.coalesce(pl.when(f.condition).then(i) for i, f in enumerate(faults))
    sentence = pl.format("test '{}': {}", pl.col("experiment_id").fill_null("?"), told)
    problems = faulty.group_by("experiment_id", maintain_order=True).agg(
        sentence.sort_by(rank).first().alias("problem")
    )
    return rows.join(
        problems,
        on="experiment_id",
        how="left",
        nulls_equal=True,
        maintain_order="left",
    )


def _totals() -> list[pl.Expr]:
    test = "experiment_id"
    is_control = pl.col("is_active") & (pl.col("variation_index") == 0)
    return [
        pl.col("is_active").sum().over(test).alias("active"),
        is_control.sum().over(test).alias("controls"),
        pl.col("weight").sum().over(test).alias("total_weight"),
        pl.len().over(test, "variation_index").alias("same"),
    ]


def _row_faults() -> list[_Fault]:
    index = pl.col("variation_index").cast(pl.String)
    who = pl.coalesce("variant_id", index, pl.lit("?"))
    return [
        _fault(pl.col("experiment_id").is_null(), "experiment_id is missing"),
        _fault(pl.col("variation_index").is_null(), "variation_index is missing"),
        *(fault for name in COUNTS for fault in _count_faults(name, who)),
        _fault(
            pl.col("conversions") > pl.col("units"),
            "conversions of variant '{}' is {}, more than its {} units",
            who,
            _short("conversions"),
            _short("units"),
        ),
        _fault(
            (pl.col("units") == 0) & pl.col("is_active"),
            "units of variant '{}' is 0: nobody has been shown it yet",
            who,
        ),
        *_weight_faults(who),
    ]


def _count_faults(name: str, who: pl.Expr) -> list[_Fault]:
    value = pl.col(name)
    told = f"{name} of variant '{{}}' is {{}}, "
    return [
        _fault(
            value.is_null() | value.is_nan(),
            f"{name} of variant '{{}}' is missing or not a number",
            who,
        ),
        _fault(value < 0, told + "but a count cannot be negative", who, _short(name)),
        _fault(
            value > GREATEST_COUNT, told + "beyond any real count", who, _short(name)
        ),
        _fault(value != value.floor(), told + "not a whole number", who, _short(name)),
    ]


def _weight_faults(who: pl.Expr) -> list[_Fault]:
    weight = pl.col("weight")
    return [
        _fault(
            weight.is_null() | weight.is_nan(),
            "weight of variant '{}' is missing: its planned share is not known",
            who,
        ),
        _fault(
            ~weight.is_between(0.0, 1.0),
            "weight of variant '{}' is {}, not a share from 0 to 1",
            who,
            weight,
        ),
        _fault(
            (weight == 0) & (pl.col("units") > 0),
            "units of variant '{}' is {}, but its planned weight is 0",
            who,
            _short("units"),
        ),
        _fault(
            pl.col("changed_at").is_not_null(),
            "weight of variant '{}' changed at {} while the test ran, and counts are "
            "not kept apart by period",
            who,
            pl.col("changed_at").cast(pl.String),
        ),
    ]


def _test_faults() -> list[_Fault]:
    active, total = pl.col("active"), pl.col("total_weight")
    return [
        _fault(
            pl.col("same") > 1,
            "variation_index {} stands twice",
            pl.col("variation_index"),
        ),
        _fault(
            active < 2,
            "variation_index: {} variant has traffic, and a test compares two or more",
            active,
        ),
        _fault(
            pl.col("controls") != 1, "variation_index 0, the control, has no traffic"
        ),
        _fault(
            (total - 1.0).abs() > WEIGHT_TOLERANCE, "weight sums to {}, not 1", total
        ),
    ]


def _short(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.String).str.strip_suffix(".0")
