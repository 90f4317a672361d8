"""Great Expectations on a frame: a suite as plain data, its outcome as a table."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import dagster as dg
import polars as pl

from orchestration.markdown import table_of


class Expectation(NamedTuple):
    """One expectation: the class in ``great_expectations.expectations``, arguments."""

    name: str
    arguments: Mapping[str, Any]


class Outcome(NamedTuple):
    """What became of one expectation."""

    expectation: str
    passed: bool
    wrong_rows: int
    message: str
    """Why it could not be evaluated; empty where it could."""


def key(*columns: str) -> Iterator[Expectation]:
    """Expect these columns to be filled, and to be unique together."""
    for column in columns:
        yield Expectation("ExpectColumnValuesToNotBeNull", {"column": column})
    if len(columns) == 1:
        yield Expectation("ExpectColumnValuesToBeUnique", {"column": columns[0]})
    else:
        yield Expectation(
            "ExpectCompoundColumnsToBeUnique", {"column_list": list(columns)}
        )


def filled(*columns: str) -> Iterator[Expectation]:
    """Expect no nulls in these columns."""
    for column in columns:
        yield Expectation("ExpectColumnValuesToNotBeNull", {"column": column})


def between(
    low: float | None, high: float | None, *columns: str
) -> Iterator[Expectation]:
    """Expect the values of each column, where there are any, from low to high."""
    for column in columns:
        limits = {"min_value": low, "max_value": high}
        yield Expectation("ExpectColumnValuesToBeBetween", {"column": column, **limits})


def among(column: str, values: Sequence[Any]) -> Expectation:
    """Expect the values of the column, where there are any, to be among these."""
    return Expectation(
        "ExpectColumnValuesToBeInSet", {"column": column, "value_set": list(values)}
    )


def at_most(smaller: str, larger: str) -> Expectation:
    """Expect one column not to exceed another in the same row."""
    pair = {"column_A": larger, "column_B": smaller, "or_equal": True}
    return Expectation("ExpectColumnPairValuesAToBeGreaterThanB", pair)


def evaluate(frame: pl.DataFrame, suite: Sequence[Expectation]) -> list[Outcome]:
    """Evaluate the suite on the frame; only counts come back, never values."""
    gx, whole = _great_expectations()
    batch = whole.get_batch({"dataframe": _plain(frame).to_pandas()})
    return [_evaluated(gx, batch, expectation) for expectation in suite]


def check_result(
    frame: pl.DataFrame, suite: Sequence[Expectation]
) -> dg.AssetCheckResult:
    """Evaluate the suite and say in one line what failed."""
    outcomes = evaluate(frame, suite)
    failed = [outcome for outcome in outcomes if not outcome.passed]
    wrong = "; ".join(
        f"{o.expectation}: {o.message or f'{o.wrong_rows} rows'}" for o in failed
    )
    table = pl.DataFrame(outcomes, schema=list(Outcome._fields), orient="row")
    return dg.AssetCheckResult(
        passed=not failed,
        description=f"{len(failed)} of {len(outcomes)} expectations failed: {wrong}"
        if failed
        else f"{len(outcomes)} expectations hold on {frame.height:,} rows",
        metadata={
            "rows": dg.MetadataValue.int(frame.height),
            "expectations": dg.MetadataValue.md(table_of(table)),
        },
    )


def _evaluated(gx: Any, batch: Any, expectation: Expectation) -> Outcome:
    build = getattr(gx.expectations, expectation.name)
    found = batch.validate(build(**expectation.arguments), result_format="BASIC")
    columns = [v for k, v in expectation.arguments.items() if k.startswith("column")]
    return Outcome(
        f"{expectation.name}({', '.join(map(str, columns))})",
        bool(found.success),
        found.result.get("unexpected_count") or 0,
        _problem(found.exception_info),
    )


def _problem(information: Mapping[str, Any]) -> str:
    """Return why an expectation could not be evaluated, of one metric or of several."""
    nested = [i for i in information.values() if isinstance(i, Mapping)]
    messages = [i.get("exception_message") for i in (information, *nested)]
    return next((" ".join(str(m).split()) for m in messages if m), "")


def _plain(frame: pl.DataFrame) -> pl.DataFrame:
    """Make decimals floats: pandas knows none, and the limits are far apart."""
    return frame.with_columns(pl.selectors.decimal().cast(pl.Float64))


@cache
def _great_expectations() -> tuple[Any, Any]:
    """Return the library and its reader of frames, when first needed.

    It takes seconds to load, and what it imports warns.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import great_expectations as gx  # noqa: PLC0415
        import great_expectations.expectations  # noqa: PLC0415
        from great_expectations.data_context.types.base import (  # noqa: PLC0415
            ProgressBarsConfig,
        )
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    source = context.data_sources.add_pandas("frames").add_dataframe_asset("frame")
    return gx, source.add_batch_definition_whole_dataframe("whole")
