"""Calls of the Spec as native events, through the door's contract."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from code24.contracts.event import LogRecord
from code24.contracts.wire import encode
from code24.intake import admit
from code24.protocols.goal_events import GOAL_EVENTS
from code24.protocols.segment import CONTEXT, native_event

CALL = {
    "messageId": "ajs-1",
    "anonymousId": "a1",
    "userId": 97980,
    "timestamp": "2026-05-01T10:00:00.000Z",
    "sentAt": "2026-05-01T10:00:01.000Z",
    "context": {
        "ip": "192.0.2.7",
        "userAgent": "Mozilla/5.0 Firefox/140.0",
        "locale": "en-GB",
        "page": {
            "url": "https://shop.example/p?a=1",
            "referrer": "https://search.example/",
            "title": "A page",
        },
        "campaign": {"name": "spring", "source": "news", "medium": "email"},
    },
}


def admitted(call: dict[str, Any]) -> LogRecord:
    outcome = admit(
        encode(native_event(call, "shop", "u-{}".format)),
        origin="import",
        received_at=datetime(2026, 6, 1, tzinfo=UTC),
        source="test",
        sites={"shop"},
    )
    assert isinstance(outcome, LogRecord), outcome
    return outcome


def test_a_page_is_a_page_view_with_its_context() -> None:
    event = admitted(
        {**CALL, "type": "page", "name": "Home", "properties": {"path": "/p"}}
    ).event

    assert (event.id, event.visitor_id, event.event_type) == (
        "ajs-1",
        "a1",
        "page_view",
    )
    assert event.url == "https://shop.example/p?a=1"
    assert event.referrer == "https://search.example/"
    assert event.timestamp == datetime(2026, 5, 1, 10, tzinfo=UTC)
    assert event.sent_at == datetime(2026, 5, 1, 10, 0, 1, tzinfo=UTC)
    expected = {
        "title": "A page",
        "pageName": "Home",
        "path": "/p",
        "userIdHash": "u-97980",
        "language": "en-GB",
        "marketingCampaign": "spring",
        "marketingSource": "news",
        "marketingMedium": "email",
    }
    assert expected.items() <= event.metadata.items()
    assert "192.0.2.7" not in repr(event)


@pytest.mark.parametrize(
    "name", ["Order Completed", "order_completed", " Order  completed"]
)
@pytest.mark.parametrize(
    "value", [{"revenue": 25.5}, {"total": "25.5"}, {"value": 25.5}]
)
def test_an_order_is_a_sale_with_its_value(name: str, value: dict[str, Any]) -> None:
    call = {
        **CALL,
        "type": "track",
        "event": name,
        "properties": {**value, "currency": "EUR"},
    }

    event = admitted(call).event

    assert (event.event_type, event.goal_type) == ("conversion", "sales")
    assert event.conversion_value == 25.5
    assert event.metadata["currency"] == "EUR"


def test_any_event_is_a_conversion_that_says_its_goal() -> None:
    call = {
        **CALL,
        "type": "track",
        "event": "Quote",
        "properties": {"goalType": "leads"},
    }

    event = admitted(call).event

    assert (event.goal_type, event.conversion_value) == ("leads", None)
    assert set(GOAL_EVENTS.values()) == {"sales", "leads", "signups", "bookings"}


def test_an_experiment_viewed_is_an_exposure_of_the_same_unit() -> None:
    properties = {"experiment_id": "headline", "variation_id": 1}
    call = {
        **CALL,
        "type": "track",
        "event": "Experiment Viewed",
        "properties": properties,
    }

    found = admitted(call).event.metadata

    assert found["name"] == "experiment_viewed"
    assert (found["experimentId"], found["variationId"]) == ("headline", "1")
    assert found["unitId"] == "a1"


def test_personal_traits_are_not_carried() -> None:
    traits = {"email": "a@b.example", "name": "Ann", "plan": "pro", "phone": "1"}
    call = {**CALL, "type": "identify", "traits": traits}

    event = admitted(call).event

    assert event.metadata["name"] == "identify"
    assert event.metadata["plan"] == "pro"
    assert not {"email", "phone"} & event.metadata.keys()
    assert "Ann" not in repr(event)


def test_without_an_anonymous_id_the_user_is_the_visitor() -> None:
    call = {**CALL, "type": "group", "groupId": "g1", "anonymousId": None}

    event = admitted(call).event

    assert event.visitor_id == "97980"
    assert event.metadata["userIdHash"] == "u-97980"
    assert event.metadata["groupIdHash"] == "u-group:g1"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, "type is None, it must be one of track, page"),
        ({"type": "track"}, "event is missing"),
        (
            {"type": "page", "properties": []},
            "properties is list, it must be an object",
        ),
        (
            {"type": "track", "event": "purchase", "properties": {"revenue": "much"}},
            "properties.revenue is 'much', no number",
        ),
    ],
)
def test_what_fits_no_form_is_told(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        native_event({**CALL, **change}, "shop", "u-{}".format)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.text(max_size=5), inner, max_size=2)
    ),
    max_leaves=5,
)
FIELDS = st.sampled_from(
    [*CALL, "type", "event", "name", "properties", "traits", "groupId", "category"]
)
CALLS = st.dictionaries(
    FIELDS,
    VALUES
    | st.dictionaries(
        st.sampled_from(
            ["page", "campaign", "revenue", "email", "goalType", "screen", *CONTEXT]
        ),
        VALUES,
    ),
)


@given(CALLS, st.sampled_from(["track", "page", "screen", "identify", "alias", "x"]))
@settings(max_examples=100, deadline=None)
def test_a_mangled_call_is_refused_or_admitted_and_never_breaks(
    call: dict[str, Any], kind: str
) -> None:
    try:
        event = native_event({**CALL, **call, "type": kind}, "shop", "u-{}".format)
    except ValueError:
        return
    admit(
        event,
        origin="live",
        received_at=datetime(2026, 5, 1, 10, tzinfo=UTC),
        source="test",
        sites={"shop"},
    )
    assert msgspec.json.decode(encode(event))
