"""One site's tests as a GrowthBook SDK reads them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from code24.assignment import NAMESPACE_HASH, namespace_seed
from code24.contracts.experiment import Experiment, Variant
from code24.contracts.release import Shard
from code24.contracts.wire import encode

UNIT_ATTRIBUTE = "id"
"""The attribute of the client that holds the unit id."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response body, ready to be sent, and the tag of its content."""

    body: bytes
    etag: str


def answer(
    shard: Shard, *, tests_off: Collection[str], is_off: bool, built_at: datetime
) -> Answer:
    """Build the answer to one client key.

    A site that is off has no features, so that clients fall back to their own values.
    The tag is weak, as ``dateUpdated`` is not part of it: browsers' clients skip a
    payload whose ``dateUpdated`` they know, and a switch changes no release.
    """
    found = {} if is_off else features(shard, tests_off)
    payload = {
        "status": 200,
        "features": found,
        "experiments": [],
        "savedGroups": {},
        "dateUpdated": built_at,
    }
    tag = sha256(encode(found)).hexdigest()[:32]
    return Answer(encode(payload), f'W/"{tag}"')


def features(shard: Shard, tests_off: Collection[str]) -> dict[str, dict[str, Any]]:
    """Return a feature for every test, named by its id."""
    return {
        test.test_id: _feature(test, is_off=test.test_id in tests_off)
        for test in shard.tests
    }


def _feature(test: Experiment, *, is_off: bool) -> dict[str, Any]:
    control = test.variants[0]
    if is_off:
        return {"defaultValue": _value(control)}
    if test.status == "running":
        return {"defaultValue": _value(control), "rules": [_rule(test)]}
    return {"defaultValue": _value(_shipped(test) or control)}


def _shipped(test: Experiment) -> Variant | None:
    if test.status != "complete":
        return None
    winners = (v for v in test.variants if v.variant_id == test.winner_variant)
    return next(winners, None)


def _rule(test: Experiment) -> dict[str, Any]:
    return {
        "key": test.test_id,
        "seed": test.seed or test.test_id,
        "hashVersion": test.hash_version,
        "hashAttribute": UNIT_ATTRIBUTE,
        "variations": [_value(variant) for variant in test.variants],
        "weights": test.traffic_split,
        "coverage": test.coverage,
        "meta": [{"key": v.variant_id, "name": v.name} for v in test.variants],
        **_filters(test),
    }


def _filters(test: Experiment) -> dict[str, Any]:
    """Return the namespace as a filter: clients read one where both are given."""
    if test.namespace is None:
        return {}
    one = {
        "attribute": UNIT_ATTRIBUTE,
        "seed": namespace_seed(test.namespace.name),
        "hashVersion": NAMESPACE_HASH,
        "ranges": [[test.namespace.low, test.namespace.high]],
    }
    return {"filters": [one]}


def _value(variant: Variant) -> Any:
    return variant.variant_id if variant.value is None else variant.value
