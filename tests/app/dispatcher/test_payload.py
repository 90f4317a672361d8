"""What a client is given, and what the client makes of it."""

import json
from typing import Any

import pytest
from growthbook import GrowthBook
from hypothesis import given, settings
from hypothesis import strategies as st

from app.dispatcher.payload import Answer, answer, features
from code24.assignment import assign
from code24.contracts.experiment import Experiment, Namespace, Variant
from code24.contracts.wire import encode
from code24.holdout import is_held_out
from tests.code24.releasing import MOMENT, ab_test, shard

IDS = st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1)


def build(
    *tests: Experiment, off: tuple[str, ...] = (), is_off: bool = False
) -> Answer:
    return answer(shard("shop", *tests), tests_off=off, is_off=is_off, built_at=MOMENT)


def test_a_running_test_is_a_rule() -> None:
    found = json.loads(build(ab_test(coverage=0.5, seed="s1")).body)
    assert found["dateUpdated"] == "2026-01-02T03:04:05Z"
    assert found["features"] == {
        "headline": {
            "defaultValue": "control",
            "rules": [
                {
                    "key": "headline",
                    "seed": "s1",
                    "hashVersion": 2,
                    "hashAttribute": "id",
                    "variations": ["control", "bold"],
                    "weights": [0.5, 0.5],
                    "coverage": 0.5,
                    "meta": [
                        {"key": "control", "name": "As it is"},
                        {"key": "bold", "name": "Bold"},
                    ],
                    "disableStickyBucketing": True,
                }
            ],
        }
    }


@pytest.mark.parametrize(
    ("test", "value"),
    [
        (ab_test(status="draft"), "control"),
        (ab_test(status="paused"), "control"),
        (ab_test(status="complete"), "control"),
        (ab_test(status="complete", winner_variant="bold"), "bold"),
        (ab_test(status="paused", winner_variant="bold"), "control"),
    ],
)
def test_a_test_that_does_not_run_has_one_value(test: Experiment, value: str) -> None:
    assert features(shard("shop", test), ()) == {"headline": {"defaultValue": value}}


@pytest.mark.parametrize("status", ["running", "complete"])
def test_a_test_that_is_off_gives_its_control(status: str) -> None:
    test = ab_test(status=status, winner_variant="bold")
    assert features(shard("shop", test), {"headline"}) == {
        "headline": {"defaultValue": "control"}
    }


def test_a_site_that_is_off_has_no_features() -> None:
    assert json.loads(build(is_off=True).body)["features"] == {}


@pytest.mark.parametrize("value", [False, 0, "", [], {"size": 3}, 1.5, "ß"])
def test_values_may_be_any_json(value: Any) -> None:
    variants = (
        Variant(variant_id="control", name="As it is", value=value),
        Variant(variant_id="bold", name="Bold"),
    )
    found = features(shard("shop", ab_test(variants=variants)), ())["headline"]
    assert found["defaultValue"] == value
    assert found["rules"][0]["variations"] == [value, "bold"]


def test_the_tag_follows_what_is_served_alone() -> None:
    later = answer(
        shard(), tests_off=(), is_off=False, built_at=MOMENT.replace(year=2027)
    )
    tags = [build().etag, build(off=("headline",)).etag, build(is_off=True).etag]
    assert len(set(tags)) == 3
    assert later.etag == tags[0]
    assert later.body != build().body


@settings(max_examples=60, deadline=None)
@given(
    st.lists(IDS, min_size=1, max_size=20),
    st.lists(st.integers(0, 50), min_size=2, max_size=5).filter(any),
    st.floats(0, 1),
    st.sampled_from((1, 2)),
    st.none() | IDS,
)
def test_the_client_assigns_as_we_do(
    ids: list[str],
    counts: list[int],
    coverage: float,
    version: Any,
    seed: str | None,
) -> None:
    variants = tuple(Variant(variant_id=f"v{n}", name="") for n in range(len(counts)))
    test = ab_test(
        variants=variants,
        traffic_split=tuple(count / sum(counts) for count in counts),
        coverage=coverage,
        hash_version=version,
        seed=seed,
    )
    client = GrowthBook(features=json.loads(build(test).body)["features"])
    assert [assigned(client, unit) for unit in ids] == [assign(test, u) for u in ids]


def assigned(client: GrowthBook, unit: str) -> int | None:
    client.set_attributes({"id": unit})
    found = client.eval_feature("headline").experimentResult
    return found.variationId if found is not None and found.inExperiment else None


@given(IDS, st.floats(0, 0.9), st.floats(0.05, 1))
def test_the_client_keeps_to_a_namespace_as_we_do(
    unit: str, low: float, size: float
) -> None:
    part = Namespace(name="top", low=low, high=min(low + size, 1.0))
    test = ab_test(namespace=part)
    client = GrowthBook(
        features=json.loads(build(test).body)["features"], attributes={"id": unit}
    )
    index = assign(test, unit)
    expected = "control" if index is None else ("control", "bold")[index]
    result = client.eval_feature("headline")
    assert result.value == expected
    assert (result.experimentResult is not None) == (index is not None)


@given(IDS, st.sampled_from([0.05, 0.1, 0.5]))
def test_the_client_keeps_the_held_out_from_tests_and_winners(
    unit: str, share: float
) -> None:
    tests = (
        ab_test("running"),
        ab_test("shipped", status="complete", winner_variant="bold"),
    )
    found = features(shard("shop", *tests, holdout=share), ())
    client = GrowthBook(features=json.loads(encode(found)), attributes={"id": unit})
    running, shipped = (client.eval_feature(name) for name in ("running", "shipped"))
    assert shipped.experimentResult is not None
    assert shipped.experimentResult.featureId == "shipped"
    if is_held_out("shop", share, unit):
        assert (running.value, running.experimentResult) == ("control", None)
        assert shipped.value == "control"
    else:
        assert running.experimentResult is not None
        assert shipped.value == "bold"
