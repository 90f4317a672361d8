"""The contracts refuse what no later part could make sense of."""

from typing import Any

import msgspec
import pytest

from code24.contracts.change import AddClass, Change, Match, Text
from code24.contracts.event import Event
from code24.contracts.experiment import Experiment, PastExperiment
from code24.contracts.site import Site
from code24.contracts.wire import digest, encode

EVENT = {
    "siteId": "shop",
    "eventType": "conversion",
    "goalType": "sales",
    "conversionValue": 12.5,
    "visitorId": "v1",
    "timestamp": "2026-01-02T03:04:05Z",
}
TEST = {
    "testId": "t1",
    "siteId": "shop",
    "testType": "headline",
    "goalType": "sales",
    "variants": [
        {"variantId": "a", "name": "A"},
        {"variantId": "b", "name": "B"},
    ],
    "trafficSplit": [0.5, 0.5],
}


def test_an_event_reads_and_writes_the_same_bytes() -> None:
    event = msgspec.convert(EVENT, Event)
    assert msgspec.json.decode(encode(event), type=Event) == event
    assert msgspec.json.decode(encode(event))["siteId"] == "shop"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"timestamp": "2026-01-02T03:04:05"}, "timezone"),
        ({"timestamp": 12}, "timestamp"),
        ({"eventType": "purchase"}, "eventType"),
        ({"goalType": None}, "goalType is required for a conversion"),
        ({"eventType": "page_view"}, "goalType is only for conversions"),
        ({"conversionValue": 1e12}, "conversionValue"),
        ({"visitorId": ""}, "visitorId"),
        ({"visitorId": "a\nb"}, "visitorId"),
        ({"siteId": "../etc"}, "siteId"),
        ({"siteId": "shop\n"}, "siteId"),
        ({"url": "x" * 5000}, "url"),
        ({"converionValue": 1}, "converionValue"),
        ({"metadata": []}, "metadata"),
    ],
)
def test_a_wrong_event_is_refused_by_name(change: dict[str, Any], told: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=told):
        msgspec.json.decode(msgspec.json.encode({**EVENT, **change}), type=Event)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"variants": TEST["variants"][:1], "trafficSplit": [1.0]}, "two or more"),
        ({"trafficSplit": [0.5, 0.4]}, "sums to 0.9"),
        ({"trafficSplit": [1.0]}, "1 weights for 2 variants"),
        ({"winnerVariant": "c"}, "none of its variants"),
        (
            {"variants": [TEST["variants"][0], TEST["variants"][0]]},
            "stands twice",
        ),
    ],
)
def test_a_wrong_test_is_refused_by_name(change: dict[str, Any], told: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=told):
        msgspec.convert({**TEST, **change}, Experiment)


def test_more_conversions_than_units_are_refused() -> None:
    past = {
        "siteId": "shop",
        "experimentId": "old",
        "testType": "headline",
        "goalType": "sales",
        "endedAt": "2020-01-01T00:00:00Z",
        "source": "archive",
        "variants": [
            {"variantId": "a", "units": 10, "conversions": 11},
            {"variantId": "b", "units": 10, "conversions": 1},
        ],
    }
    with pytest.raises(msgspec.ValidationError, match="11 conversions of 10 units"):
        msgspec.convert(past, PastExperiment)


def test_a_site_needs_distinct_goals() -> None:
    site = {
        "siteId": "shop",
        "host": "shop.example",
        "vertical": "fashion",
        "goals": ["sales", "sales"],
        "writeKey": "wk",
        "clientKey": "ck",
    }
    with pytest.raises(msgspec.ValidationError, match="stands twice"):
        msgspec.convert(site, Site)
    with pytest.raises(msgspec.ValidationError, match="at least one goal"):
        msgspec.convert({**site, "goals": []}, Site)


def test_an_operation_is_told_by_its_tag() -> None:
    change = Change(
        id="c1",
        match=Match(host="shop.example"),
        ops=(Text(sel="h1", value="Hello"), AddClass(sel="h1", value="big")),
    )
    assert msgspec.json.decode(encode(change), type=Change) == change
    with pytest.raises(msgspec.ValidationError, match="script"):
        msgspec.convert(
            {"id": "c", "match": {"host": "h"}, "ops": [{"op": "script", "sel": "p"}]},
            Change,
        )


def test_equal_values_have_equal_digests_whatever_their_order() -> None:
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})
