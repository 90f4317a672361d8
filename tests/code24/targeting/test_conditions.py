"""Conditions hold for whom the clients say they hold."""

import random
from pathlib import Path
from typing import Any

import pytest
from growthbook import core

from code24.contracts.wire import encode
from code24.targeting.conditions import holds
from code24.targeting.strict import check, strict
from tests import node
from tests.code24.targeting import generated

SEED = 20_261_124
MANY = 6_000


@pytest.fixture(scope="module")
def cases() -> list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]]:
    rng = random.Random(SEED)  # noqa: S311 - test data
    made = ((generated.condition(rng), generated.attributes(rng)) for _ in range(MANY))
    return [(condition, attributes, generated.GROUPS) for condition, attributes in made]


def by_javascript(folder: Path, **cases: Any) -> dict[str, list[bool]]:
    file = folder / "cases.json"
    file.write_bytes(encode(cases))
    told: dict[str, list[bool]] = node.run("targeting.mjs", str(file))
    return told


def test_the_reference_client_converts_as_we_do(
    tmp_path: Path, cases: list[Any]
) -> None:
    theirs = by_javascript(tmp_path, conditions=cases)["conditions"]
    ours = [holds(*case) for case in cases]
    assert [c for c, a, b in zip(cases, ours, theirs, strict=True) if a != b] == []
    assert MANY * 0.2 < sum(ours) < MANY * 0.8


def test_what_is_served_means_the_same_to_every_client(
    tmp_path: Path, cases: list[Any]
) -> None:
    adults = strict(generated.GROUPS["adults"]["condition"])
    groups = {
        **generated.GROUPS,
        "adults": {"type": "condition", "condition": adults},
    }
    served = []
    for condition, attributes, _ in cases:
        check(condition)
        served.append((strict(condition), attributes, groups))
    ours = [holds(*case) for case in served]
    of_python = [core.evalCondition(a, c, groups) for c, a, groups in served]
    of_javascript = by_javascript(tmp_path, conditions=served)["conditions"]
    told = zip(served, ours, of_python, of_javascript, strict=True)
    assert [case for case, *answers in told if len(set(answers)) > 1] == []
    assert MANY * 0.2 < sum(ours) < MANY * 0.8


@pytest.mark.parametrize(
    ("condition", "attributes", "is_asked"),
    [
        ({}, {}, True),
        ({"country": "DE"}, {"country": "DE"}, True),
        ({"age": 5}, {"age": "5"}, False),
        ({"age": {"$lt": 5}}, {}, False),
        ({"age": {"$not": {"$gte": 5}}}, {}, True),
        ({"age": {"$gt": 1, "$lt": 9}}, {"age": 5}, True),
        ({"version": {"$vgte": "1.9.0"}}, {"version": "1.10.0"}, True),
        ({"version": {"$vne": "1.9.0"}}, {}, True),
        ({"a.b": {"$exists": True}}, {"a": {"b": 0}}, True),
        ({"tags": {"$all": ["x", {"$gt": 3}]}}, {"tags": ["x", 4]}, True),
        ({"name": {"$regexi": "^müller"}}, {"name": "MÜLLER, Ada"}, True),
    ],
)
def test_what_is_served_converts_nothing(
    condition: dict[str, Any], attributes: dict[str, Any], is_asked: bool
) -> None:
    check(condition)
    assert holds(strict(condition), attributes, {}) is is_asked
    assert core.evalCondition(attributes, strict(condition), {}) is is_asked


@pytest.mark.parametrize(
    ("condition", "where"),
    [
        ({"age": {"$gtt": 5}}, "condition.age: operator '$gtt' is unknown"),
        ({"$where": "1"}, "condition.$where"),
        ({"$or": {"a": 1}}, "condition.$or: must be a list"),
        ({"$or": [1]}, "condition.$or[0]: must be an object"),
        ({"a": {"b": 1}}, "name its fields with dots"),
        ({"a": {}}, "must hold operators"),
        ({"a": {"$in": "x"}}, "condition.a.$in: must be a list"),
        ({"a": {"$in": [[]]}}, "condition.a.$in: must be text"),
        ({"a": {"$gt": True}}, "condition.a.$gt: must be a number or text"),
        ({"a": {"$gt": 1, "$lt": "x"}}, "of different types"),
        ({"a": {"$gt": 1, "$type": "string"}}, "can hold for nobody"),
        ({"a": {"$vgt": 2}}, "condition.a.$vgt: must be text"),
        ({"a": {"$vne": "1", "$not": {"$eq": 1}}}, "with $and"),
        ({"a": {"$regex": "("}}, "no regular expression"),
        ({"a": {"$regex": "(?=x)"}}, "only (?:…) is for all"),
        ({"a": {"$regex": "(a)\\1"}}, "\\1 is not for all"),
        ({"a": {"$regex": "\\p{L}"}}, "\\p is not for all"),
        ({"a": {"$regex": "x" * 1_001}}, "at most 1,000"),
        ({"a": {"$exists": 1}}, "must be true or false"),
        ({"a": {"$type": "date"}}, "must be one of array"),
        ({"a": {"$elemMatch": {"$or": [{"b": 1}]}}}, "operator '$or' is unknown"),
        ({"a.": 1}, "neither an attribute nor an operator"),
        ({"constructor.name": "Object"}, "neither an attribute nor an operator"),
        ({"$savedGroup": "eu"}, "the id of a saved group"),
        ({"a": {"$in": ["x" * 20_000]}}, "keep long lists in a saved group"),
    ],
)
def test_what_clients_would_read_differently_is_refused(
    condition: dict[str, Any], where: str
) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        check(condition)
    assert where in str(refused.value)


def test_nesting_has_an_end() -> None:
    deep: dict[str, Any] = {"a": 1}
    for _ in range(40):
        deep = {"$not": deep}
    with pytest.raises(ValueError, match="nested more than 10 deep"):
        check(deep)


@pytest.mark.parametrize("broken", [[], {"$or": 5}, {"$and": [[1]]}, {"$not": None}])
def test_a_condition_that_is_none_holds_for_nobody(broken: Any) -> None:
    assert holds(broken, {"a": 1}, {}) is False


def test_a_pattern_cannot_be_made_to_hang() -> None:
    condition = {"a": {"$regex": "^(a+)+$"}}
    check(condition)
    assert not holds(condition, {"a": "a" * 4_000 + "!"}, {})
    assert not holds(condition, {"a": "a" * 100_000}, {})
