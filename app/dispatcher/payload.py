"""One site's tests as a GrowthBook SDK reads them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from app.dispatcher import visual
from code24 import holdout
from code24.assignment import NAMESPACE_HASH, condition_of, namespace_seed
from code24.buckets import UNIT_ATTRIBUTE
from code24.contracts.experiment import Experiment, Variant
from code24.contracts.release import Shard
from code24.contracts.wire import encode

Filter = dict[str, Any]
"""A condition of a rule: the unit's place by a seed lies in a range."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response body, ready to be sent, and the tag of its content."""

    body: bytes
    etag: str
    built_at: datetime


def answer(
    shard: Shard, *, tests_off: Collection[str], is_off: bool, built_at: datetime
) -> Answer:
    """Build the answer to one client key.

    A site that is off has no features, so that clients fall back to their own values.
    The tag is weak, as ``dateUpdated`` is not part of it: browsers' clients skip a
    payload whose ``dateUpdated`` they know, and a switch changes no release.
    """
    found = {
        "features": {} if is_off else features(shard, tests_off),
        "experiments": [] if is_off else auto_experiments(shard, tests_off),
        "savedGroups": {} if is_off else saved_groups(shard),
    }
    payload = {"status": 200, **found, "dateUpdated": built_at}
    tag = sha256(encode(found)).hexdigest()[:32]
    return Answer(encode(payload), f'W/"{tag}"', built_at)


def features(shard: Shard, tests_off: Collection[str]) -> dict[str, dict[str, Any]]:
    """Return a feature for every test, named by its id."""
    return {
        test.test_id: _feature(test, shard.holdout, is_off=test.test_id in tests_off)
        for test in shard.tests
    }


def saved_groups(shard: Shard) -> dict[str, dict[str, Any]]:
    """Return the lists that conditions refer to, typed, by id."""
    return {
        name: {"type": "list", "attributeKey": group.attribute, "values": group.values}
        for name, group in shard.saved_groups.items()
    }


def auto_experiments(shard: Shard, tests_off: Collection[str]) -> list[dict[str, Any]]:
    """Return what browsers apply of the tests: one for each test and set of pages."""
    return [
        experiment
        for test in shard.tests
        if test.test_id not in tests_off
        for experiment in auto_experiments_of(test, shard.holdout)
    ]


def auto_experiments_of(test: Experiment, share: float) -> list[dict[str, Any]]:
    """Return a test's rule with mutations for values; shipped, one that is forced."""
    if not visual.is_visual(test):
        return []
    if test.status == "running":
        filters = [*_in_namespace(test), *_not_held_out(test.site_id, share)]
        return visual.experiments(test, _rule(test, filters))
    verifying = holdout.verification(test, share)
    if verifying is not None:
        return visual.experiments(verifying, _rule(verifying, []))
    shipped = shipped_variant(test)
    if shipped is None:
        return []
    everywhere = {"coverage": 1.0, "disableStickyBucketing": True}
    forced = {"force": test.variants.index(shipped), **everywhere}
    return visual.experiments(test, {**_rule(test, []), **forced})


def _feature(test: Experiment, share: float, *, is_off: bool) -> dict[str, Any]:
    """Return the control, what a rule gives instead, or what was shipped.

    With a holdout the shipped variant is given by a rule too, so that clients record
    who gets it and who does not. What is given by address is no flag's: its feature
    has the control alone.
    """
    control = {"defaultValue": value_of(test.variants[0])}
    if is_off or _is_by_address(test):
        return control
    if test.status == "running":
        filters = [*_in_namespace(test), *_not_held_out(test.site_id, share)]
        return {**control, "rules": [_rule(test, filters)]}
    verifying = holdout.verification(test, share)
    if verifying is not None:
        return {**control, "rules": [_rule(verifying, [])]}
    shipped, condition = shipped_variant(test), condition_of(test)
    if shipped is not None and condition:
        rule = {"condition": condition, "force": value_of(shipped)}
        return {**control, "rules": [rule]}
    return control if shipped is None else {"defaultValue": value_of(shipped)}


def _is_by_address(test: Experiment) -> bool:
    return test.targeting is not None and bool(test.targeting.url_patterns)


def shipped_variant(test: Experiment) -> Variant | None:
    """Return what a test that ended gives to everyone; none where that is nothing."""
    if test.status != "complete":
        return None
    winners = (v for v in test.variants if v.variant_id == test.winner_variant)
    return next(winners, None)


def _rule(test: Experiment, filters: list[Filter]) -> dict[str, Any]:
    rule = {
        "key": test.test_id,
        "seed": test.seed or test.test_id,
        "hashVersion": test.hash_version,
        "hashAttribute": UNIT_ATTRIBUTE,
        "variations": [value_of(variant) for variant in test.variants],
        "weights": test.traffic_split,
        "coverage": test.coverage,
        "meta": [{"key": v.variant_id, "name": v.name} for v in test.variants],
        **_stickiness(test),
    }
    condition = condition_of(test)
    if condition:
        rule["condition"] = condition
    return {**rule, "filters": filters} if filters else rule


def _stickiness(test: Experiment) -> dict[str, Any]:
    """Return how clients keep a variant; without, shares stay as they were planned."""
    sticky = test.sticky_bucketing
    if sticky is None:
        return {"disableStickyBucketing": True}
    told = {
        "bucketVersion": sticky.bucket_version,
        "minBucketVersion": sticky.min_bucket_version,
    }
    if sticky.fallback_attribute is None:
        return told
    return {**told, "fallbackAttribute": sticky.fallback_attribute}


def _in_namespace(test: Experiment) -> list[Filter]:
    """Return the namespace as a filter: of both, clients heed the filters alone."""
    if test.namespace is None:
        return []
    name, low, high = test.namespace.name, test.namespace.low, test.namespace.high
    return [_filter(namespace_seed(name), NAMESPACE_HASH, (low, high))]


def _not_held_out(site_id: str, share: float) -> list[Filter]:
    if share <= 0:
        return []
    part = holdout.taking_part(share)
    return [_filter(holdout.seed(site_id), holdout.HASH_VERSION, part)]


def _filter(seed: str, hash_version: int, part: tuple[float, float]) -> Filter:
    return {
        "attribute": UNIT_ATTRIBUTE,
        "seed": seed,
        "hashVersion": hash_version,
        "ranges": [part],
    }


def value_of(variant: Variant) -> Any:
    """Return what a flag of this variant evaluates to: its value, or else its id."""
    return variant.variant_id if variant.value is None else variant.value
