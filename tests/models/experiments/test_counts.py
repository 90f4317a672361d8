"""Bad input: the faulty test gets a sentence, the others are analysed as ever."""

import math
from datetime import timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.experiments.analysis import analyze
from models.experiments.counts import AnalysisInputError
from tests.models.experiments import frames

GOOD = [(1_000, 50), (1_000, 60)]
GOOD_ALONE = analyze(
    frames.stats({"good": GOOD}), frames.weights(frames.stats({"good": GOOD}))
)
FAULTS: dict[str, tuple[list[tuple[Any, Any]], str]] = {
    "negative": ([(1_000, -3), (900, 9)], "conversions of variant 'v0' is -3"),
    "negative units": ([(-5, 0), (9, 1)], "units of variant 'v0' is -5"),
    "more than units": ([(10, 11), (9, 1)], "'v0' is 11, more than its 10 units"),
    "one variant": ([(1_000, 50)], "variation_index: 1 variant has traffic"),
    "nobody": ([(0, 0), (0, 0)], "units of variant 'v0' is 0"),
    "one arm empty": ([(100, 9), (0, 0)], "units of variant 'v1' is 0"),
    "nan": ([(math.nan, 1), (9, 1)], "units of variant 'v0' is missing or not a"),
    "infinite": ([(math.inf, 1), (9, 1)], "units of variant 'v0' is inf"),
    "null": ([(None, 1), (9, 1)], "units of variant 'v0' is missing"),
    "absurd": ([(1e300, 1), (9, 1)], "beyond any real count"),
    "fraction": ([(9.5, 1), (9, 1)], "units of variant 'v0' is 9.5, not a whole"),
}


def sentences(table: pl.DataFrame, weights: pl.DataFrame | None = None) -> list[str]:
    planned = frames.weights(table) if weights is None else weights
    found = analyze(table, planned).filter(pl.col("experiment_id") != "good")
    told = found["problem"].unique().to_list()
    assert found["lift"].null_count() == found.height
    return told


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_told_and_the_other_test_analysed(fault: str) -> None:
    counts, sentence = FAULTS[fault]
    table = frames.stats({"bad": counts, "good": GOOD})
    (told,) = sentences(table)
    assert told.startswith("test 'bad': ")
    assert sentence in told
    found = analyze(table, frames.weights(table))
    assert found.filter(pl.col("experiment_id") == "good").equals(GOOD_ALONE)


def test_control_missing_is_told() -> None:
    table = frames.stats({"bad": [*GOOD, *GOOD]}).filter(pl.col("variation_index") > 0)
    assert sentences(table) == [
        "test 'bad': variation_index 0, the control, has no traffic"
    ]


def test_row_that_stands_twice_is_told() -> None:
    table = frames.stats({"bad": GOOD})
    weights = frames.weights(table)
    told = sentences(pl.concat([table, table.tail(1)]), weights)
    assert told == ["test 'bad': variation_index 1 stands twice"]


@pytest.mark.parametrize(
    ("planned", "sentence"),
    [
        ([0.5, None], "weight of variant 'v1' is missing"),
        ([0.5, math.nan], "weight of variant 'v1' is missing"),
        ([1.5, -0.5], "weight of variant 'v0' is 1.5, not a share"),
        ([0.5, 0.4], "weight sums to 0.9, not 1"),
        ([1.0, 0.0], "units of variant 'v1' is 1000, but its planned weight is 0"),
    ],
)
def test_weights_that_cannot_be_are_told(planned: list[Any], sentence: str) -> None:
    table = frames.stats({"bad": GOOD})
    weights = frames.weights(table).with_columns(weight=pl.Series(planned))
    (told,) = sentences(table, weights)
    assert sentence in told


def test_weights_changed_while_the_test_ran_are_told() -> None:
    table = frames.stats({"bad": GOOD})
    first = frames.weights(table)
    later = pl.lit(frames.START + timedelta(days=1)).cast(pl.Datetime("us"))
    changed = first.with_columns(from_at=later, weight=pl.Series([0.3, 0.7]))
    (told,) = sentences(table, pl.concat([first, changed]))
    assert "weight of variant 'v0' changed at 2026-01-06" in told
    repeated = first.with_columns(from_at=later)
    found = analyze(table, pl.concat([first, repeated]))
    assert found["problem"].null_count() == 2


def test_missing_column_is_one_clear_error() -> None:
    table = frames.stats({"a": GOOD})
    with pytest.raises(AnalysisInputError, match="column units_multiple is missing"):
        analyze(table.drop("units_multiple"), frames.weights(table))


ANY_COUNT = st.one_of(
    st.none(),
    st.integers(-10, 10_000).map(float),
    st.floats(allow_nan=True, allow_infinity=True),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(ANY_COUNT, ANY_COUNT), min_size=1, max_size=4))
def test_no_counts_whatever_disturb_another_test(counts: list[Any]) -> None:
    table = frames.stats({"bad": counts, "good": GOOD})
    found = analyze(table, frames.weights(table))
    assert found.filter(pl.col("experiment_id") == "good").equals(GOOD_ALONE)
    bad = found.filter(pl.col("experiment_id") == "bad")
    is_told = bad["problem"].is_not_null()
    is_estimated = bad["expected_loss"].is_finite().fill_null(value=False)
    assert (is_told != is_estimated).all()


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.integers(1, 10**9).flatmap(
            lambda units: st.tuples(st.just(units), st.integers(0, units))
        ),
        min_size=2,
        max_size=7,
    )
)
def test_possible_counts_always_give_sane_estimates(counts: list[Any]) -> None:
    table = frames.stats({"bad": counts})
    found = analyze(table, frames.weights(table))
    assert found["problem"].null_count() == len(counts)
    assert found["chance_best"].sum() == pytest.approx(1.0, abs=1e-9)
    assert found["expected_loss"].min() >= 0  # type: ignore[operator]
    assert (found["lift_low"] <= found["lift_high"]).all()
