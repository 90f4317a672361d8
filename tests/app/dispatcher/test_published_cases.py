"""GrowthBook's published cases (specification 0.8.0), as far as tests can say them.

Read from the reference data: https://github.com/growthbook/growthbook has the file as
``packages/sdk-js/test/cases.json``. Rules that no test has (ranges of one's own, forced
values, prerequisites, contextual bandits, encryption, redirects) are not ours to show.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from app.dispatcher import previews
from app.dispatcher.evaluation import Outcome, Visitor, evaluate
from app.dispatcher.store import _site
from code24 import buckets
from code24.assignment import (
    EvaluationContext,
    bucket_ranges,
    choose,
    hash_unit,
    in_namespace,
)
from code24.contracts.experiment import Experiment, Namespace, Variant
from code24.contracts.targeting import StickyBucketing, Targeting
from code24.targeting.conditions import holds
from tests.code24.releasing import MOMENT, ab_test, shard

pytestmark = pytest.mark.reference

SAID = frozenset(
    {
        *("key", "variations", "weights", "coverage", "namespace", "condition", "seed"),
        *("hashVersion", "meta", "hashAttribute", "fallbackAttribute", "phase"),
        *("bucketVersion", "minBucketVersion", "disableStickyBucketing"),
    }
)
"""Fields of an experiment that a test of ours can have."""
KNOWN = frozenset({"attributes", "url", "forcedVariations", "savedGroups", "features"})


@pytest.fixture
def cases(reference_data: Callable[[str], Path]) -> dict[str, list[Any]]:
    path = reference_data("experiments/growthbook_cases.json")
    told: dict[str, list[Any]] = json.loads(path.read_bytes())
    return told


def experiment(fields: dict[str, Any], name: str) -> Experiment:
    count = len(fields["variations"])
    weights = fields.get("weights") or [1 / count] * count
    meta = fields.get("meta") or [{"key": str(index)} for index in range(count)]
    part = fields.get("namespace")
    sticky = StickyBucketing(
        bucket_version=fields.get("bucketVersion", 0),
        min_bucket_version=fields.get("minBucketVersion", 0),
        fallback_attribute=fields.get("fallbackAttribute"),
    )
    return ab_test(
        fields.get("key", name),
        variants=tuple(
            Variant(variant_id=each["key"], name="", value=value)
            for each, value in zip(meta, fields["variations"], strict=True)
        ),
        traffic_split=tuple(weights),
        coverage=fields.get("coverage", 1.0),
        hash_version=fields.get("hashVersion", 1),
        seed=fields.get("seed"),
        namespace=part and Namespace(name=part[0], low=part[1], high=part[2]),
        targeting=Targeting(condition=fields.get("condition", {})),
        sticky_bucketing=None if fields.get("disableStickyBucketing") else sticky,
    )


def outcome(
    test: Experiment, context: dict[str, Any], kept: dict[str, buckets.Document]
) -> Outcome:
    attributes = context.get("attributes") or {}
    known = EvaluationContext(
        attributes,
        context.get("url", ""),
        assignments=kept,
        groups=context.get("savedGroups", {}),
    )
    unit = buckets.unit_id(attributes.get("id"))
    site = _site(shard("shop", test), frozenset(), False, MOMENT)
    visitor = Visitor(unit, known, context.get("forcedVariations", {}))
    return evaluate(site, test, visitor)


def test_conditions(cases: dict[str, list[Any]]) -> None:
    told = cases["evalCondition"]
    for name, condition, attributes, wanted, *groups in told:
        found = holds(condition, attributes, groups[0] if groups else {})
        assert (name, found) == (name, wanted)
    assert len(told) >= 200


def test_hashing(cases: dict[str, list[Any]]) -> None:
    for seed, value, version, wanted in cases["hash"]:
        assert hash_unit(seed, value, version) == wanted
    for name, (count, coverage, weights), wanted in cases["getBucketRange"]:
        found = bucket_ranges(count, coverage, weights)
        pairs = zip(found, wanted, strict=True)
        rounded = [(round(a, 6), round(b, 6)) for (a, b), _ in pairs]
        assert (name, rounded) == (name, [tuple(each) for each in wanted])
    for name, place, ranges, wanted in cases["chooseVariation"]:
        assert (name, choose(place, ranges)) == (name, wanted)
    for name, unit, (part, low, high), wanted in cases["inNamespace"]:
        is_in = low < high and in_namespace(
            Namespace(name=part, low=low, high=high), unit
        )
        assert (name, is_in) == (name, wanted)


def test_previews(cases: dict[str, list[Any]]) -> None:
    for name, key, url, count, wanted in cases["getQueryStringOverride"]:
        test = experiment({"variations": list(range(count))}, key)
        assert (name, previews.wanted(test, url, {})) == (name, wanted)


def test_runs(cases: dict[str, list[Any]]) -> None:
    said = 0
    for name, context, fields, value, is_in, is_hashed in cases["run"]:
        by_id = fields.get("hashAttribute", "id") == "id"
        is_said = fields.keys() <= SAID and context.keys() <= KNOWN and by_id
        if not is_said or len(fields["variations"]) < 2:
            continue
        said += 1
        found = outcome(experiment(fields, "feature"), context, {})
        is_shown = found.reason in {"SPLIT", "TARGETING_MATCH"}
        told = (found.value, is_shown, found.test is not None)
        assert (name, *told) == (name, value, is_in, is_hashed)
    assert said >= 45


def test_sticky_buckets(cases: dict[str, list[Any]]) -> None:
    for name, context, documents, flag, wanted, kept in cases["stickyBucket"]:
        (fields,) = context["features"][flag]["rules"]
        test = experiment(fields, flag)
        before = msgspec.convert(documents, list[buckets.Document])
        given = {f"{d.attribute_name}||{d.attribute_value}": d for d in before}
        found = outcome(test, context, given)
        told = found.assignment
        if wanted is None:
            assert (name, told) == (name, None)
            continue
        assert told is not None
        unit, variant = told.unit, test.variants[told.index].variant_id
        assert (name, told.index, told.is_sticky, unit.attribute, unit.value) == (
            name,
            wanted["variationId"],
            wanted["stickyBucketUsed"],
            wanted["hashAttribute"],
            wanted["hashValue"],
        )
        key = f"{unit.attribute}||{unit.value}"
        after = buckets.noted(given, test, unit, variant)
        if key in kept:
            assert (name, after[key].assignments) == (name, kept[key]["assignments"])
