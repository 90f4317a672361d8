"""The door of the analysis: rows of the mart, checked test by test.

A fault in the rows of one test becomes that test's ``problem``; the others go on.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import polars as pl

from code24.errors import Code24Error
from models.experiments.arms import Flags, Floats, Integers

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
    rows = stats.select(_CONVERSIONS)
    is_conversion = stats["metric"].eq_missing("conversion")
    if not is_conversion.all():
        rows = rows.filter(is_conversion)
    rows = rows.sort("experiment_id", "variation_index", nulls_last=True)
    return _with_problem(_with_weight(rows, weights))


_KINDS = {"variation_index": pl.Int64(), **dict.fromkeys(COUNTS, pl.Float64())}
_CONVERSIONS = tuple(
    pl.col(name).cast(_KINDS[name], strict=False) if name in _KINDS else pl.col(name)
    for name in STATS_COLUMNS
    if name != "metric"
)


def _require(frame: pl.DataFrame, columns: tuple[str, ...], table: str) -> None:
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise AnalysisInputError(
            f"{table}: column {', '.join(missing)} is missing; build the marts again"
        )


_KEY = ("experiment_id", "variation_index")


def _with_weight(rows: pl.DataFrame, weights: pl.DataFrame) -> pl.DataFrame:
    """Add the newest weight, and when it last changed while the test was seen."""
    history = weights.select(
        "experiment_id",
        pl.col("variation_index").cast(pl.Int64, strict=False),
        pl.col("weight").cast(pl.Float64),
        "from_at",
    )
    has_history = history.select(_KEY).is_duplicated().any()
    newest = _newest(history, rows) if has_history else history.select(_ONLY)
    return rows.join(newest, on=_KEY, how="left", maintain_order="left")


_ONLY = (*_KEY, "weight", pl.lit(None, pl.Datetime("us")).alias("changed_at"))
"""Of weights that were never set anew."""


def _newest(history: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    first = rows.group_by("experiment_id").agg(
        pl.col("first_exposure_at").min().alias("started_at")
    )
    dated = (
        history.sort(*_KEY, "from_at")
        .join(first, on="experiment_id", how="inner", maintain_order="left")
        .with_columns(pl.col("weight").shift(1).over(_KEY).alias("previous"))
    )
    is_changed = (pl.col("weight") != pl.col("previous")) & (
        pl.col("from_at") > pl.col("started_at")
    )
    return dated.group_by(_KEY).agg(
        pl.col("weight").last(),
        pl.col("from_at").filter(is_changed).max().alias("changed_at"),
    )


class _Rows(NamedTuple):
    """The rows as arrays, one entry per row; what is missing is NaN."""

    test: Integers
    """Number of the row's test."""
    is_nameless: Flags
    variation: Floats
    counts: dict[str, Floats]
    weight: Floats
    is_changed: Flags
    is_active: Flags
    """Whether the variant has, or should have, traffic."""

    def total(self, values: Floats | Flags) -> Floats:
        """Return, for every row, the sum over its test."""
        total: Floats = np.bincount(self.test, values)[self.test].astype(np.float64)
        return total


def _as_rows(rows: pl.DataFrame) -> _Rows:
    counts = {name: rows[name].to_numpy() for name in COUNTS}
    weight = rows["weight"].to_numpy()
    return _Rows(
        test=rows["experiment_id"].rle_id().cast(pl.Int64).to_numpy(),
        is_nameless=rows["experiment_id"].is_null().to_numpy(),
        variation=rows["variation_index"].cast(pl.Float64).to_numpy(),
        counts=counts,
        weight=weight,
        is_changed=rows["changed_at"].is_not_null().to_numpy(),
        is_active=~((counts["units"] == 0) & (weight == 0)),
    )


class _Fault(NamedTuple):
    """Which rows have it, and the sentence that tells of it."""

    found: Callable[[_Rows], Flags]
    sentence: pl.Expr


def _fault(found: Callable[[_Rows], Flags], text: str, *values: pl.Expr) -> _Fault:
    return _Fault(found, pl.format(text, *values) if values else pl.lit(text))


def _with_problem(rows: pl.DataFrame) -> pl.DataFrame:
    """Add ``problem`` and ``is_active``; sentences are made for faulty rows alone.

    Of several faults in a test, the one that stands first in the lists is told.
    """
    read = _as_rows(rows)
    found = np.stack([fault.found(read) for fault in _FAULTS])
    is_faulty = pl.Series(found.any(axis=0))
    is_active = pl.Series("is_active", read.is_active)
    if not is_faulty.any():
        untold = pl.repeat(None, rows.height, dtype=pl.String, eager=True)
        return rows.hstack([untold.alias("problem"), is_active])
    faulty = rows.with_columns(
        pl.Series("rank", found.argmax(axis=0)),
        pl.Series("active", read.total(read.is_active).astype(np.int64)),
        pl.Series("total_weight", read.total(read.weight)),
    ).filter(is_faulty)
    told = rows.join(
        _told(faulty),
        on="experiment_id",
        how="left",
        nulls_equal=True,
        maintain_order="left",
    )
    return told.with_columns(is_active & told["problem"].is_null())


def _told(faulty: pl.DataFrame) -> pl.DataFrame:
    rank = pl.col("rank")
    told = pl.coalesce(
        pl.when(rank == place).then(fault.sentence)
        for place, fault in enumerate(_FAULTS)
    )
    sentence = pl.format("test '{}': {}", pl.col("experiment_id").fill_null("?"), told)
    return faulty.group_by("experiment_id", maintain_order=True).agg(
        sentence.sort_by(rank).first().alias("problem")
    )


_INDEX = pl.col("variation_index").cast(pl.String)
_WHO = pl.coalesce("variant_id", _INDEX, pl.lit("?"))


def _short(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.String).str.strip_suffix(".0")


def _count_faults(name: str) -> list[_Fault]:
    told = f"{name} of variant '{{}}' is {{}}, "
    return [
        _fault(
            lambda rows: np.isnan(rows.counts[name]),
            f"{name} of variant '{{}}' is missing or not a number",
            _WHO,
        ),
        _fault(
            lambda rows: rows.counts[name] < 0,
            told + "but a count cannot be negative",
            _WHO,
            _short(name),
        ),
        _fault(
            lambda rows: rows.counts[name] > GREATEST_COUNT,
            told + "beyond any real count",
            _WHO,
            _short(name),
        ),
        _fault(
            lambda rows: rows.counts[name] != np.floor(rows.counts[name]),
            told + "not a whole number",
            _WHO,
            _short(name),
        ),
    ]


_ROW_FAULTS = (
    _fault(lambda rows: rows.is_nameless, "experiment_id is missing"),
    _fault(lambda rows: np.isnan(rows.variation), "variation_index is missing"),
    *(fault for name in COUNTS for fault in _count_faults(name)),
    _fault(
        lambda rows: rows.counts["conversions"] > rows.counts["units"],
        "conversions of variant '{}' is {}, more than its {} units",
        _WHO,
        _short("conversions"),
        _short("units"),
    ),
    _fault(
        lambda rows: (rows.counts["units"] == 0) & rows.is_active,
        "units of variant '{}' is 0: nobody has been shown it yet",
        _WHO,
    ),
)
_WEIGHT_FAULTS = (
    _fault(
        lambda rows: np.isnan(rows.weight),
        "weight of variant '{}' is missing: its planned share is not known",
        _WHO,
    ),
    _fault(
        lambda rows: (rows.weight < 0) | (rows.weight > 1),
        "weight of variant '{}' is {}, not a share from 0 to 1",
        _WHO,
        pl.col("weight"),
    ),
    _fault(
        lambda rows: (rows.weight == 0) & (rows.counts["units"] > 0),
        "units of variant '{}' is {}, but its planned weight is 0",
        _WHO,
        _short("units"),
    ),
    _fault(
        lambda rows: rows.is_changed,
        "weight of variant '{}' changed at {} while the test ran, and counts are "
        "not kept apart by period",
        _WHO,
        pl.col("changed_at").cast(pl.String),
    ),
)


def _stands_twice(rows: _Rows) -> Flags:
    """Say which rows have the test and index of a neighbour; equal ones are one."""
    is_next = (np.diff(rows.test) == 0) & (np.diff(rows.variation) == 0)
    twice = np.zeros(len(rows.test), dtype=np.bool_)
    twice[1:] |= is_next
    twice[:-1] |= is_next
    return twice


_TEST_FAULTS = (
    _fault(_stands_twice, "variation_index {} stands twice", pl.col("variation_index")),
    _fault(
        lambda rows: rows.total(rows.is_active) < 2,
        "variation_index: {} variant has traffic, and a test compares two or more",
        pl.col("active"),
    ),
    _fault(
        lambda rows: rows.total(rows.is_active & (rows.variation == 0)) != 1,
        "variation_index 0, the control, has no traffic",
    ),
    _fault(
        lambda rows: np.abs(rows.total(rows.weight) - 1.0) > WEIGHT_TOLERANCE,
        "weight sums to {}, not 1",
        pl.col("total_weight"),
    ),
)
_FAULTS = (*_ROW_FAULTS, *_WEIGHT_FAULTS, *_TEST_FAULTS)
"""Built once: to build them takes longer than to ask them of 1,000 tests."""
