"""Addresses are asked where the browser client says they are."""

import random
from pathlib import Path

import msgspec
import pytest

from code24.contracts.targeting import Targeting, UrlPattern
from code24.targeting.urls import is_targeted
from tests.code24.targeting import generated
from tests.code24.targeting.test_conditions import by_javascript


def test_the_browser_client_matches_as_we_do(tmp_path: Path) -> None:
    rng = random.Random(7)  # noqa: S311 - test data
    cases = [
        (rng.choice(generated.ADDRESSES), generated.patterns(rng)) for _ in range(4_000)
    ]
    cases += [
        (url, [{"type": "simple", "pattern": pattern, "include": True}])
        for url in generated.ADDRESSES
        for pattern in generated.SIMPLE
    ]
    theirs = by_javascript(tmp_path, addresses=cases)["addresses"]
    ours = [
        is_targeted(url, msgspec.convert(wanted, list[UrlPattern]))
        for url, wanted in cases
    ]
    told = zip(cases, ours, theirs, strict=True)
    assert [(case, a, b) for case, a, b in told if a != b] == []
    assert 0.1 < sum(ours) / len(ours) < 0.9


def test_no_pattern_asks_nobody() -> None:
    assert not is_targeted("https://shop.example/", [])


def test_a_long_address_matches_nothing() -> None:
    everything = [UrlPattern(pattern="*")]
    assert is_targeted("https://shop.example/" + "x" * 900, everything)
    assert not is_targeted("https://shop.example/" + "x" * 9_000, everything)


@pytest.mark.parametrize(
    ("kind", "pattern", "why"),
    [
        ("regex", "(?<name>x)", "only"),
        ("regex", "[", "no regular expression"),
        ("simple", "https://[::1/", "no address"),
        ("simple", "", "Expected"),
    ],
)
def test_what_is_no_pattern_is_refused(kind: str, pattern: str, why: str) -> None:
    given = {"urlPatterns": [{"type": kind, "pattern": pattern}]}
    with pytest.raises(msgspec.ValidationError, match=why):
        msgspec.convert(given, Targeting)
