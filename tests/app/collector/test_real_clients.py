"""The clients that sites have already, as they are installed, against the collector."""

import time
from collections.abc import Callable
from typing import Any

import pytest
import segment.analytics as segment
from growthbook import GrowthBook
from growthbook.plugins import GrowthBookTrackingPlugin

from code24.contracts.event import Event
from code24.personal import Pseudonyms
from tests.app.collector.serving import Served, dead_letters, logged
from tests.node import needs_clients, run

Run = Callable[..., list[Any]]


@pytest.fixture
def node() -> Run:
    """Return a runner of a script in ``tests/clients`` that reads its last line."""
    needs_clients()
    return run


def new_events(served: Served, before: int) -> dict[str, Event]:
    """Return the events since then, by name; those of one name keep the last."""
    events = [record.event for record in logged(served.settings, before)]
    return {_name(event): event for event in events}


def _name(event: Event) -> str:
    if "isScreen" in event.metadata:
        return "screen"
    return str(event.metadata.get("name", event.event_type))


def address(served: Served) -> str:
    return str(served.client.base_url)


def pseudonym(served: Served, person: str) -> str:
    return Pseudonyms(served.settings.keys).of(served.site.site_id, person)


def assert_nothing_personal(served: Served, before: int) -> None:
    kept = repr([*logged(served.settings, before), *dead_letters(served.settings)])
    for private in ("ada@", "bob@", "Ada", "203.0.113.77"):
        assert private not in kept


def test_segment_python(served: Served) -> None:
    before = len(logged(served.settings))
    errors: list[Any] = []
    client = segment.Client(
        served.site.write_key,
        host=address(served),
        gzip=True,
        on_error=lambda error, _items: errors.append(error),
        max_retries=1,
    )
    client.track("7", "Order Completed", {"revenue": 20}, message_id="py-1")
    client.track("7", "Product Added", {"sku": "a", "email": "ada@shop.example"})
    client.page(anonymous_id="anon-py", properties={"url": "https://shop.example/"})
    client.identify("7", {"email": "ada@shop.example", "plan": "gold"})
    client.track(None, "Nobody", anonymous_id="anon-py", integrations={})
    client.flush()
    client.join()
    assert errors == []
    events = new_events(served, before)
    order = events["Order Completed"]
    assert (order.event_type, order.goal_type, order.conversion_value, order.id) == (
        "conversion",
        "sales",
        20,
        "py-1",
    )
    assert order.visitor_id == "7"
    assert order.sent_at is not None
    assert order.metadata["library"] == "analytics-python"
    assert events["Product Added"].event_type == "interaction"
    assert events["Product Added"].metadata["sku"] == "a"
    assert events["page_view"].url == "https://shop.example/"
    assert events["identify"].metadata["plan"] == "gold"
    assert_nothing_personal(served, before)


def test_a_wrong_key_is_told_to_segment_python(served: Served) -> None:
    errors: list[Any] = []
    client = segment.Client(
        "wk_wrong",
        host=address(served),
        on_error=lambda error, _items: errors.append(error),
        max_retries=1,
    )
    client.track("7", "Order Completed")
    client.flush()
    client.join()
    assert len(errors) == 1
    assert "401" in str(errors[0])


def test_segment_node(served: Served, node: Run) -> None:
    before = len(logged(served.settings))
    assert node("segment.mjs", address(served), served.site.write_key) == []
    events = new_events(served, before)
    assert events.keys() == {
        *("Order Completed", "page_view", "identify", "group", "alias"),
        "screen",
    }
    order = events["Order Completed"]
    assert (order.goal_type, order.conversion_value, order.id) == (
        "sales",
        49.9,
        "order-1",
    )
    assert order.visitor_id == "anon-node-1"
    assert order.sent_at is not None
    assert order.sent_at > order.timestamp
    assert order.metadata["currency"] == "EUR"
    assert events["page_view"].metadata["pageName"] == "Home"
    person = pseudonym(served, "ada@shop.example")
    assert events["identify"].visitor_id == "anon-node-1"
    assert events["identify"].metadata["userIdHash"] == person
    assert events["identify"].metadata["plan"] == "gold"
    assert events["group"].visitor_id == person
    company = pseudonym(served, "group:acme")
    assert events["group"].metadata["groupIdHash"] == company
    assert events["alias"].metadata["previousId"] == "anon-node-1"
    assert_nothing_personal(served, before)


def test_rudderstack_node(served: Served, node: Run) -> None:
    before = len(logged(served.settings))
    assert node("rudder.mjs", address(served), served.site.write_key) == []
    events = new_events(served, before)
    assert events.keys() == {"Signed Up", "page_view", "identify"}
    assert events["Signed Up"].goal_type == "signups"
    assert events["Signed Up"].conversion_value == 5
    assert events["Signed Up"].visitor_id == "anon-rudder-1"
    assert events["page_view"].url == "https://shop.example/prices"
    assert events["identify"].metadata["role"] == "buyer"
    assert_nothing_personal(served, before)


def test_plausible_tracker(served: Served, node: Run) -> None:
    before = len(logged(served.settings))
    assert node("plausible.mjs", address(served), served.site.host) == [202] * 4
    events = new_events(served, before)
    assert events.keys() == {"page_view", "Purchase", "Newsletter", "engagement"}
    view = events["page_view"]
    assert view.url == "https://shop.example/basket?utm_source=mail"
    assert view.referrer == "https://search.example/"
    assert view.metadata["isCookieless"] is True
    assert {event.visitor_id for event in events.values()} == {view.visitor_id}
    sale = events["Purchase"]
    assert (sale.goal_type, sale.conversion_value) == ("sales", 19.5)
    assert sale.metadata["currency"] == "EUR"
    assert sale.metadata["colour"] == "red"
    assert events["Newsletter"].metadata["isInteractive"] is False
    assert events["engagement"].metadata["engagedMs"] > 0
    assert events["engagement"].metadata["scrollPercent"] == 75


def test_growthbook_javascript(served: Served, node: Run) -> None:
    before = len(logged(served.settings))
    node("growthbook.mjs", address(served), served.site.client_key)
    events = new_events(served, before)
    seen = events["experiment_viewed"]
    assert seen.metadata["experimentId"] == "headline-test"
    assert seen.metadata["variationId"] == "bold"
    assert seen.metadata["unitId"] == seen.visitor_id == "unit-7"
    assert seen.session_id == "s-1"
    assert seen.url == "https://shop.example/landing"
    assert seen.metadata["campaign"] == {"source": "mail"}
    assert events["feature_evaluated"].metadata["feature"] == "headline"
    order = events["Order Completed"]
    assert (order.goal_type, order.conversion_value) == ("sales", 12.5)
    assert order.visitor_id == "unit-7"
    assert_nothing_personal(served, before)


def test_growthbook_python(served: Served) -> None:
    before = len(logged(served.settings))
    plugin = GrowthBookTrackingPlugin(ingestor_host=address(served), batch_size=2)
    rule = {
        "key": "headline-test",
        "hashAttribute": "user_id",
        "variations": ["control", "bold"],
        "weights": [0, 1],
        "coverage": 1,
        "meta": [{"key": "control"}, {"key": "bold"}],
    }
    gb = GrowthBook(
        client_key=served.site.client_key,
        attributes={"user_id": "ada@shop.example"},
        features={"headline": {"defaultValue": "control", "rules": [rule]}},
        plugins=[plugin],
    )
    assert gb.eval_feature("headline").value == "bold"
    while len(logged(served.settings)) < before + 2:
        time.sleep(0.05)
    gb.destroy()
    seen = new_events(served, before)["experiment_viewed"]
    assert seen.metadata["experimentId"] == "headline-test"
    assert seen.metadata["variationId"] == "bold"
    assert seen.visitor_id == pseudonym(served, "ada@shop.example")
    assert seen.metadata["unitId"] == seen.visitor_id
    assert_nothing_personal(served, before)
