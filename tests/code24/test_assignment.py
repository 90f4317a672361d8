"""Assignment is the GrowthBook SDK's, to the last unit."""

from collections import Counter

import pytest
from growthbook import core
from hypothesis import given
from hypothesis import strategies as st

from code24.assignment import (
    assign,
    bucket_ranges,
    choose,
    fnv1a32,
    hash_unit,
    in_namespace,
)
from code24.contracts.experiment import Namespace
from tests.code24.releasing import ab_test

TEXT = st.text(alphabet=st.characters(codec=None), max_size=20)
SHARES = st.lists(st.floats(-0.5, 1.5), min_size=2, max_size=6)
COUNTS = st.lists(st.integers(0, 1000), min_size=2, max_size=8).filter(any)


def test_published_figure() -> None:
    assert hash_unit("exp1", "u1", 2) == 0.4104


@given(TEXT)
def test_hash_is_the_clients(text: str) -> None:
    assert fnv1a32(text) == core.fnv1a32(text)


def test_hash_counts_code_units_not_code_points() -> None:
    assert fnv1a32("é😀\ud800") == core.fnv1a32("é😀\ud800")
    assert fnv1a32("😀") == fnv1a32("\ud83d\ude00")


@given(TEXT, TEXT, st.sampled_from((0, 1, 2, 3)))
def test_place_is_the_clients(seed: str, value: str, version: int) -> None:
    assert hash_unit(seed, value, version) == core.gbhash(seed, value, version)


@given(st.integers(1, 7), st.floats(-1, 2), st.none() | SHARES)
def test_ranges_are_the_clients(
    count: int, coverage: float, weights: list[float] | None
) -> None:
    assert bucket_ranges(count, coverage, weights) == core.getBucketRanges(
        count, coverage, weights
    )


@pytest.mark.parametrize("total", [0.9899, 0.99, 1.0, 1.01, 1.0101])
def test_weights_far_from_one_become_equal(total: float) -> None:
    weights = [total * 0.25, total * 0.75]
    assert bucket_ranges(2, 1.0, weights) == core.getBucketRanges(2, 1.0, weights)


@pytest.mark.parametrize("weights", [[float("nan"), 1.0], [float("inf"), 0.0], [1.0]])
def test_weights_that_are_none_become_equal(weights: list[float]) -> None:
    assert bucket_ranges(2, 1.0, weights) == [(0.0, 0.5), (0.5, 1.0)]


@given(TEXT, st.floats(0, 1), st.sampled_from((1, 2)), COUNTS)
def test_choice_is_the_clients(
    unit: str, coverage: float, version: int, counts: list[int]
) -> None:
    weights = [count / sum(counts) for count in counts]
    place = hash_unit("seed", unit, version)
    assert place is not None
    ranges = bucket_ranges(len(weights), coverage, weights)
    assert choose(place, ranges) == core.chooseVariation(
        place, core.getBucketRanges(len(weights), coverage, weights)
    )


def test_raising_the_coverage_moves_nobody() -> None:
    units = [f"u{number}" for number in range(2_000)]
    some = {u: assign(ab_test(coverage=0.3), u) for u in units}
    more = {u: assign(ab_test(coverage=0.6), u) for u in units}
    assert all(more[u] == index for u, index in some.items() if index is not None)
    taking_part = Counter(index is not None for index in some.values())
    assert 500 < taking_part[True] < 700


@pytest.mark.parametrize("status", ["draft", "paused", "complete"])
def test_only_a_running_test_assigns(status: str) -> None:
    assert assign(ab_test(status=status), "u1") is None
    assert assign(ab_test(), "u1") is not None


def test_a_unit_without_an_id_takes_no_part() -> None:
    assert assign(ab_test(), "") is None


def test_the_seed_is_the_test_id_unless_given() -> None:
    units = [f"u{number}" for number in range(200)]
    own = [assign(ab_test("a", seed="b"), unit) for unit in units]
    other = [assign(ab_test("b"), unit) for unit in units]
    assert own == other
    assert own != [assign(ab_test("a"), unit) for unit in units]


def test_no_coverage_asks_nobody() -> None:
    assert {assign(ab_test(coverage=0.0), f"u{n}") for n in range(100)} == {None}


def test_disjoint_slices_of_a_namespace_share_no_unit() -> None:
    low, high = (
        ab_test(name, namespace=Namespace(name="top", low=start, high=end))
        for name, start, end in (("a", 0.0, 0.5), ("b", 0.5, 1.0))
    )
    both = [(assign(low, f"u{n}"), assign(high, f"u{n}")) for n in range(4_000)]
    assert all((one is None) != (other is None) for one, other in both)
    assert 1_800 < sum(one is not None for one, _ in both) < 2_200


@given(TEXT, st.floats(0, 0.99))
def test_namespaces_are_the_clients(unit: str, low: float) -> None:
    part = Namespace(name="top", low=low, high=1.0)
    assert in_namespace(part, unit) == core.inNamespace(unit, ("top", low, 1.0))
