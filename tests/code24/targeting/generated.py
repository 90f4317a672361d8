"""Conditions, attributes and addresses at random, of all that the languages have."""

import random
from collections.abc import Callable
from typing import Any

NAMES = ("country", "age", "isMember", "tags", "version", "owner.name", "visits", "x")
COUNTRIES = ("DE", "AT", "de", "Österreich", "", "null", "10", "5", "0x10", " 7 ")
VERSIONS = ("1.2.3", "1.10.0", "v1.2.3", "1.2.3-beta.2", "1.2.3-beta.11", "2", "1.2")
PATTERNS = ("^D", "E$", "[a-z]+", "(?:1|2)\\.", "null", "\\d{2}", "a|b", "é", "\\bD")
NUMBERS = (0, 1, -1, 5, 10, 2.5, 1e21, 1e-7, 123456789012345680000)
KINDS = ("string", "number", "boolean", "array", "object", "null")
SCALARS: tuple[Any, ...] = (*COUNTRIES, *NUMBERS, True, False, None)
GROUPS: dict[str, Any] = {
    "eu": ["DE", "AT", 5],
    "typed": {"type": "list", "attributeKey": "country", "values": ["DE", "10"]},
    "adults": {"type": "condition", "condition": {"age": {"$gte": 5}}},
    "round": {"type": "condition", "condition": {"$savedGroup": {"id": "round"}}},
}


def attributes(rng: random.Random) -> dict[str, Any]:
    """Return a visitor: every attribute may be absent, null, or of another type."""
    made = {
        "country": rng.choice(COUNTRIES),
        "age": rng.choice(NUMBERS),
        "isMember": rng.random() < 0.5,
        "tags": [rng.choice(COUNTRIES) for _ in range(rng.randrange(4))],
        "version": rng.choice(VERSIONS),
        "owner": {"name": rng.choice(COUNTRIES)},
        "visits": [{"age": rng.choice(NUMBERS)} for _ in range(rng.randrange(3))],
    }
    for name in list(made):
        if rng.random() < 0.15:
            del made[name]
        elif rng.random() < 0.15:
            made[name] = rng.choice([*SCALARS, [], [5], {"name": "DE"}])
    return made


def condition(rng: random.Random, depth: int = 0) -> dict[str, Any]:
    """Return a condition that the door takes."""
    if depth < 3 and rng.random() < 0.35:
        key = rng.choice(["$or", "$and", "$nor", "$not"])
        if key == "$not":
            return {key: condition(rng, depth + 1)}
        return {key: [condition(rng, depth + 1) for _ in range(rng.randrange(3))]}
    if rng.random() < 0.05:
        return {"$savedGroup": {"id": rng.choice([*GROUPS, "unknown"])}}
    names = rng.sample(NAMES, rng.randrange(1, 3))
    return {name: _wanted(rng) for name in names}


def _wanted(rng: random.Random) -> Any:
    if rng.random() < 0.25:
        return rng.choice([*SCALARS, ["DE", "AT"], [5, 10]])
    return _operators(rng)


def _operators(rng: random.Random) -> dict[str, Any]:
    name = rng.choice(list(OPERANDS))
    made = {name: OPERANDS[name](rng)}
    if name in {"$gt", "$gte"} and rng.random() < 0.5:
        made["$lt"] = rng.choice(
            NUMBERS if isinstance(made[name], float | int) else "xyz"
        )
    return made


def _list(rng: random.Random) -> list[Any]:
    return [rng.choice(SCALARS) for _ in range(rng.randrange(4))]


def _ordered(rng: random.Random) -> Any:
    return rng.choice([*COUNTRIES, *NUMBERS])


def _version(rng: random.Random) -> str:
    return rng.choice(VERSIONS)


OPERANDS: dict[str, Callable[[random.Random], Any]] = {
    **dict.fromkeys(("$eq", "$ne"), lambda rng: rng.choice(SCALARS)),
    **dict.fromkeys(("$lt", "$lte", "$gt", "$gte"), _ordered),
    **dict.fromkeys(("$veq", "$vne", "$vlt", "$vlte", "$vgt", "$vgte"), _version),
    "$exists": lambda rng: rng.random() < 0.5,
    **dict.fromkeys(("$in", "$nin", "$ini", "$nini"), _list),
    **dict.fromkeys(("$inGroup", "$notInGroup"), lambda rng: rng.choice(list(GROUPS))),
    "$all": lambda rng: [rng.choice([*SCALARS, {"$gt": 1}]) for _ in range(2)],
    "$alli": lambda rng: [rng.choice(["de", "AT", "10"])],
    "$not": _operators,
    "$size": lambda rng: rng.choice([0, 1, 2, {"$gt": 1}]),
    "$elemMatch": lambda rng: rng.choice(
        [{"$in": _list(rng)}, {"$gt": 4}, {"age": {"$gte": 5}}, {"$regex": "^D"}]
    ),
    **dict.fromkeys(("$regex", "$regexi"), lambda rng: rng.choice(PATTERNS)),
    "$type": lambda rng: rng.choice(KINDS),
}

ADDRESSES = (
    "https://shop.example/",
    "https://shop.example",
    "https://www.shop.example/shop/red-shoes?size=4&size=5&utm=a+b",
    "HTTPS://SHOP.example:443/Shop/?size=",
    "http://shop.example:8080/shop//x/../y#top",
    "https://shop.example/p/12?q=%C3%A9",
    "https://shop.example/größe",
    "/shop/red",
    "shop.example/shop",
    "mailto:somebody@shop.example",
    "https://[::1/",
    "",
)
SIMPLE = (
    "/",
    "*",
    "/shop/*",
    "/shop/",
    "shop.example",
    "*.shop.example/*",
    "https://shop.example/p/*?q=é",
    "/shop/*?size=4",
    "/Shop?size=",
    "http://shop.example:8080/*#top",
    "/größe",
    "/p/1.",
)
REGEX = (
    "^/p/[0-9]+$",
    "/shop/",
    "\\?size=4",
    "^https://shop",
    "(red|blue)",
    "#top$",
    "x*",
)


def patterns(rng: random.Random) -> list[dict[str, Any]]:
    """Return the patterns of a test."""
    made = []
    for _ in range(rng.randrange(1, 4)):
        kind = rng.choice(["simple", "regex"])
        pattern = rng.choice(SIMPLE if kind == "simple" else REGEX)
        made.append({"type": kind, "pattern": pattern, "include": rng.random() < 0.7})
    return made
