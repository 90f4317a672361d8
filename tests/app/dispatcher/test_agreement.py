"""Python's client, the browser's and the dispatcher give every visitor the same."""

import random
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import msgspec
import pytest
from growthbook import GrowthBook, InMemoryStickyBucketService
from scipy import stats

from app.dispatcher.evaluation import Visitor, evaluate_all
from app.dispatcher.protocols.growthbook import _Body, evaluated
from app.dispatcher.store import Site, _site
from code24.assignment import EvaluationContext, assign
from code24.buckets import Document, unit_id
from code24.contracts.experiment import Experiment, Namespace
from code24.contracts.saved_group import SavedGroup
from code24.contracts.targeting import StickyBucketing, Targeting
from code24.contracts.wire import encode
from tests import node
from tests.code24.releasing import MOMENT, ab_test, shard
from tests.code24.targeting import generated

SEED = 20_261_124
VISITORS = 500
NOT_IN = -1
PREVIEW = -2


def of_many_kinds() -> tuple[Experiment, ...]:
    rng = random.Random(SEED)  # noqa: S311 - test data
    targeted = (
        ab_test(
            f"asks-{number}",
            targeting=Targeting(condition=_without_groups(rng)),
            hash_version=rng.choice((1, 2)),
            coverage=rng.choice((0.3, 1.0)),
        )
        for number in range(14)
    )
    sticky = StickyBucketing(bucket_version=2, min_bucket_version=1)
    by_device = StickyBucketing(fallback_attribute="deviceId")
    over = {"status": "complete", "winner_variant": "bold"}
    return (
        *targeted,
        ab_test("keeps", sticky_bucketing=sticky, coverage=0.5),
        ab_test("falls-back", sticky_bucketing=by_device),
        ab_test(
            "asks-and-keeps",
            sticky_bucketing=sticky,
            targeting=Targeting(condition={"country": "DE"}),
        ),
        ab_test("sliced", namespace=Namespace(name="checkout", low=0.2, high=0.7)),
        ab_test("shipped", **over, targeting=Targeting(condition={"country": "DE"})),
        ab_test(
            "asks-list",
            targeting=Targeting(condition={"country": {"$notInGroup": "eu"}}),
        ),
        ab_test(
            "asks-group",
            targeting=Targeting(condition={"$savedGroup": {"id": "eu"}}),
        ),
        ab_test("tilted", traffic_split=(0.9, 0.1), seed="🌱"),
    )


def _without_groups(rng: random.Random) -> dict[str, Any]:
    while True:
        condition = generated.condition(rng)
        if b"Group" not in encode(condition):
            return condition


def visitors(tests: tuple[Experiment, ...]) -> list[dict[str, Any]]:
    rng = random.Random(SEED)  # noqa: S311 - test data
    made = []
    for number in range(VISITORS):
        attributes = generated.attributes(rng)
        if rng.random() < 0.9:
            attributes["id"] = rng.choice([f"visitor-{number}", number, f"é{number}"])
        if rng.random() < 0.5:
            attributes["deviceId"] = f"device-{number}"
        forced = f"?{rng.choice(tests).test_id}=1" if rng.random() < 0.1 else ""
        url = f"https://shop.example/{forced}"
        documents = _documents(rng, attributes)
        made.append({"attributes": attributes, "url": url, "documents": documents})
    return made


def _documents(rng: random.Random, attributes: dict[str, Any]) -> dict[str, Any]:
    made = {}
    for name in ("id", "deviceId"):
        value = unit_id(attributes.get(name))
        if value and rng.random() < 0.5:
            tests = ("keeps", "falls-back", "asks-and-keeps")
            keys = [f"{test}__{rng.randrange(3)}" for test in tests]
            kept = {key: rng.choice(["control", "bold", "gone"]) for key in keys}
            made[f"{name}||{value}"] = {
                "attributeName": name,
                "attributeValue": value,
                "assignments": kept,
            }
    return made


@pytest.fixture(scope="module", params=[0.0, 0.1], ids=["all", "a tenth held out"])
def site(request: pytest.FixtureRequest) -> Site:
    return served(request.param)


def served(holdout: float) -> Site:
    eu = SavedGroup(group_id="eu", attribute="country", values=("DE", "AT", 5))
    tests = of_many_kinds()
    held = shard("shop", *tests, holdout=holdout, saved_groups={"eu": eu})
    return _site(held, frozenset(), False, MOMENT)


def ours(site: Site, asking: dict[str, Any]) -> list[int]:
    attributes = asking["attributes"]
    documents = msgspec.convert(asking["documents"], dict[str, Document])
    context = EvaluationContext(
        attributes, asking["url"], assignments=documents, groups=site.groups
    )
    found = evaluate_all(site, Visitor(unit_id(attributes.get("id")), context))
    return [
        outcome.index
        if outcome.index is not None
        else PREVIEW
        if outcome.reason == "TARGETING_MATCH" and outcome.flag != "shipped"
        else NOT_IN
        for outcome in found
    ]


def of_python(
    payload: dict[str, Any], names: list[str], asking: dict[str, Any]
) -> list[int]:
    kept = InMemoryStickyBucketService()
    for document in asking["documents"].values():
        kept.save_assignments(document)
    client = GrowthBook(
        features=payload["features"],
        savedGroups=payload["savedGroups"],
        attributes=dict(asking["attributes"]),
        url=asking["url"],
        sticky_bucket_service=kept,
    )
    results = [client.eval_feature(name).experimentResult for name in names]
    client.destroy()
    return [
        NOT_IN
        if result is None or not result.inExperiment
        else result.variationId
        if result.hashUsed
        else PREVIEW
        for result in results
    ]


def test_three_implementations_agree_on_every_visitor_and_test(
    site: Site, tmp_path: Path
) -> None:
    asking = visitors(site.shard.tests)
    payload = msgspec.json.decode(site.answer.body)
    names = [test.test_id for test in site.shard.tests]
    told = {"payload": payload, "tests": names, "visitors": asking}
    file = tmp_path / "asked.json"
    file.write_bytes(msgspec.json.encode(told))
    by_javascript = node.run("agreement.mjs", str(file))
    by_us = [ours(site, one) for one in asking]
    by_python = [of_python(payload, names, one) for one in asking]
    assert _differing(asking, by_us, by_javascript) == []
    mine = [_as_python_asks(names, row) for row in by_us]
    theirs = [_as_python_asks(names, row) for row in by_python]
    assert _differing(asking, mine, theirs) == []
    counts = Counter(index for row in by_us for index in row)
    assert min(counts[index] for index in (PREVIEW, NOT_IN, 0, 1)) > 20


def _as_python_asks(names: list[str], indexes: list[int]) -> list[int]:
    """Leave out where Python's client parts from the reference client.

    It asks a rule's condition first: a preview, or a kept variant, is then for those
    alone whom the condition names.
    """
    found = dict(zip(names, indexes, strict=True))
    del found["asks-and-keeps"]
    return [
        NOT_IN if name.startswith("asks-") and index == PREVIEW else index
        for name, index in found.items()
    ]


def _differing(asking: list[Any], ours: list[Any], theirs: list[Any]) -> list[Any]:
    told = zip(asking, ours, theirs, strict=True)
    return [(one, a, b) for one, a, b in told if a != b]


def test_shares_are_as_planned_and_tests_know_nothing_of_one_another() -> None:
    """Each p-value of 12 + 66 chi-square tests above 1e-6: one in 10,000 runs fails."""
    tests = [ab_test(f"test-{number}") for number in range(12)]
    units = [f"visitor-{number}" for number in range(4_000)]
    given = [[assign(test, unit) for unit in units] for test in tests]
    for row in given:
        assert stats.chisquare([row.count(0), row.count(1)]).pvalue > 1e-6
    for one, other in combinations(given, 2):
        both = Counter(zip(one, other, strict=True))
        table = [[both[a, b] for b in (0, 1)] for a in (0, 1)]
        assert stats.chi2_contingency(table).pvalue > 1e-6


def told(site: Site, body: _Body) -> Any:
    """Return what goes over the wire."""
    return msgspec.json.decode(encode(evaluated(site, body)))


def test_remote_evaluation_keeps_what_was_given_and_answers_it() -> None:
    site = served(0.0)
    body = _Body(
        attributes={"deviceId": "d-1"},
        sticky_bucket_assignment_docs={
            "deviceId||d-1": Document("deviceId", "d-1", {"other__0": "x"})
        },
    )
    first = told(site, body)
    kept = first["stickyBucketAssignmentDocs"]
    variant = first["features"]["falls-back"]["rules"][0]["force"]
    assert kept["deviceId||d-1"]["assignments"] == {
        "other__0": "x",
        "falls-back__0": variant,
    }
    documents = msgspec.convert(kept, dict[str, Document])
    logged_in = {"id": "visitor-9", "deviceId": "d-1"}
    later = told(
        site,
        msgspec.structs.replace(
            body,
            attributes=logged_in,
            sticky_bucket_assignment_docs=documents,
        ),
    )
    track = later["features"]["falls-back"]["rules"][0]["tracks"][0]["result"]
    assert (track["value"], track["stickyBucketUsed"]) == (variant, True)
    assert (track["hashAttribute"], track["hashValue"]) == ("id", "visitor-9")
