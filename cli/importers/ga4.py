"""Google Analytics 4: events of the BigQuery export as JSON lines.

Fields as Google's "BigQuery Export schema" has them. Numbers of 64 bits are text in
BigQuery's JSON; either is taken.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from cli.importers import objects
from cli.importers.importer import (
    EventRow,
    ImportItem,
    Request,
    required_site,
)
from code24.contracts.wire import digest
from code24.protocols.goal_events import goal_of
from code24.protocols.reading import kept_properties, number, url

PAGES = frozenset({"page_view", "screen_view"})
NAMES = {
    "user_engagement": "engagement",
    "experience_impression": "experiment_viewed",
    "experiment_impression": "experiment_viewed",
}
"""GA4's names that have a name of ours; others keep theirs."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
VALUE_KINDS = ("string_value", "int_value", "double_value", "float_value")
DEVICES = {"smart tv": "tv"}
MANUAL = {
    "campaign": ("manual_campaign_name", "campaign"),
    "source": ("manual_source", "source"),
    "medium": ("manual_medium", "medium"),
    "term": ("manual_term", "term"),
    "content": ("manual_content", "content"),
}
"""A mark of the campaign → its name in ``collected_traffic_source`` and parameters."""
PARAMETERS = {
    "page_title": "title",
    "firebase_screen": "screenName",
    "transaction_id": "orderId",
    "currency": "currency",
    "percent_scrolled": "percentScrolled",
    "engagement_time_msec": "engagedMilliseconds",
    "link_url": "linkUrl",
    "search_term": "searchTerm",
    "method": "method",
    "form_id": "formId",
    "experiment_id": "experimentId",
    "variation_id": "variationId",
    "ga_session_number": "sessionIndex",
}
"""Parameters that have a name of ours; others keep theirs."""
CARRIED_ELSEWHERE = frozenset(
    {"page_location", "page_referrer", "ga_session_id", "value", "debug_mode"}
    | {"batch_page_id", "batch_ordering_id", "ignore_referrer", "session_engaged"}
    | {"campaign", "source", "medium", "term", "content", "entrances"}
)
ITEM = {
    "item_id": "id",
    "item_name": "name",
    "item_brand": "brand",
    "item_category": "category",
    "item_variant": "variant",
    "price": "price",
    "quantity": "quantity",
}
MOST_ITEMS = 50
"""Items of an order that are carried: an event has 32 KB."""
NOT_SET = frozenset({"", "(not set)", "(not provided)", "(none)", "<Other>"})


class Ga4:
    """One event a line."""

    name = "ga4"
    about = "Google Analytics 4: BigQuery's event export as JSON lines (.gz)"
    options: Mapping[str, str] = {}

    def sniff(self, path: Path) -> bool:
        """Say whether one of the first lines is an exported event."""
        found = objects.first(path)
        return objects.any_has(found, "event_name", "event_timestamp", "event_params")

    def read(self, path: Path, request: Request) -> Iterator[ImportItem]:
        """Yield one event a line; a ping without consent has no visitor: a bad row."""
        site_id = required_site(request, path)
        pseudonym = request.pseudonym(site_id)
        items = partial(_items, site_id, pseudonym)
        yield from objects.read(path, request.meter, items)


def _items(
    site_id: str, pseudonym: Callable[[str], str], source: str, row: dict[str, Any]
) -> Iterator[ImportItem]:
    event = _event(site_id, row)
    if row.get("user_id"):
        event["metadata"]["userIdHash"] = pseudonym(str(row["user_id"]))
    yield EventRow(event, source)


def _event(site_id: str, row: Mapping[str, Any]) -> dict[str, Any]:
    name, visitor = row.get("event_name"), row.get("user_pseudo_id")
    if not isinstance(name, str) or not name:
        raise ValueError("event_name is empty")
    if not visitor:
        raise ValueError("user_pseudo_id is empty: a ping without consent")
    given = _parameters(row)
    session = given.get("ga_session_id")
    event = {
        "id": _event_id(name, row, given),
        "siteId": site_id,
        "visitorId": str(visitor),
        "sessionId": f"{visitor}.{session}" if session else None,
        "timestamp": _time(row.get("event_timestamp")),
        "url": url(given.get("page_location")),
        "referrer": url(given.get("page_referrer")),
        **_kind(name, row, given),
    }
    metadata = {**_metadata(row, given), **_naming(name, str(visitor))}
    return {**event, "metadata": metadata}


def _event_id(name: str, row: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    """Return the order's id for a purchase, so that it counts once; else a digest.

    GA4 gives events no id. Attribution, which a later export of the day changes, is
    no part of the digest.
    """
    order = given.get("transaction_id")
    if name == "purchase" and order not in NOT_SET | {None}:
        return f"purchase:{order}"[:128]
    parts = [row.get(n) for n in ("user_pseudo_id", "event_timestamp")]
    return digest([name, *parts, row.get("event_bundle_sequence_id"), given])[:32]


def _time(micros: Any) -> str:
    try:
        return (EPOCH + timedelta(microseconds=int(micros))).isoformat()
    except (TypeError, ValueError, OverflowError):
        raise ValueError(
            f"event_timestamp is {micros!r}, it must be microseconds since 1970"
        ) from None


def _parameters(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters by name, each with the one value it has."""
    found: dict[str, Any] = {}
    for parameter in row.get("event_params") or ():
        value = _parameter(parameter.get("value") or {})
        if value is not None:
            found[str(parameter.get("key"))] = value
    return found


def _parameter(value: Mapping[str, Any]) -> Any:
    for kind in VALUE_KINDS:
        if value.get(kind) is not None:
            return int(value[kind]) if kind == "int_value" else value[kind]
    return None


def _kind(
    name: str, row: Mapping[str, Any], given: Mapping[str, Any]
) -> dict[str, Any]:
    if name in PAGES:
        return {"eventType": "page_view"}
    goal = goal_of(name)
    if goal is None:
        return {"eventType": "interaction"}
    return {
        "eventType": "conversion",
        "goalType": goal,
        "conversionValue": _value(row, given),
    }


def _value(row: Mapping[str, Any], given: Mapping[str, Any]) -> float | None:
    """Return the order's revenue in its own currency, else the event's value."""
    commerce = _object(row, "ecommerce")
    for value in (commerce.get("purchase_revenue"), given.get("value")):
        if value is not None:
            return number(value)
    return None


def _naming(name: str, visitor: str) -> dict[str, Any]:
    if name in PAGES:
        return {}
    ours = NAMES.get(name, name)
    return {
        "name": ours,
        **({"unitId": visitor} if ours == "experiment_viewed" else {}),
    }


def _metadata(row: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    found = {
        PARAMETERS.get(key, key): value
        for key, value in kept_properties(given).items()
        if key not in CARRIED_ELSEWHERE
    }
    for name in ("experimentId", "variationId"):
        if name in found:
            found[name] = str(found[name])
    found |= {**_device(row), **_place(row), **_campaign(row, given), **_order(row)}
    return {n: v for n, v in found.items() if v is not None and v not in ("", [])}


def _device(row: Mapping[str, Any]) -> dict[str, Any]:
    device = _object(row, "device")
    category = str(device.get("category") or "").lower()
    browser = _object(device, "web_info").get("browser") or device.get("browser")
    return {
        "device": DEVICES.get(category, category),
        "os": device.get("operating_system"),
        "browser": browser,
        "language": device.get("language"),
        "platform": row.get("platform"),
    }


def _place(row: Mapping[str, Any]) -> dict[str, Any]:
    geo = _object(row, "geo")
    found = {"country": geo.get("country"), "region": geo.get("region")}
    return {name: value for name, value in found.items() if value not in NOT_SET}


def _campaign(row: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the event's own campaign, and how the user first came, apart."""
    collected = _object(row, "collected_traffic_source")
    found = {
        f"marketing{mark.capitalize()}": collected.get(theirs) or given.get(parameter)
        for mark, (theirs, parameter) in MANUAL.items()
    }
    found["marketingClickId"] = collected.get("gclid") or given.get("gclid")
    first = _object(row, "traffic_source")
    found |= {
        "firstCampaign": first.get("name"),
        "firstSource": first.get("source"),
        "firstMedium": first.get("medium"),
    }
    return {name: value for name, value in found.items() if value not in NOT_SET}


def _order(row: Mapping[str, Any]) -> dict[str, Any]:
    items = row.get("items") or ()
    listed = [
        {ours: item[theirs] for theirs, ours in ITEM.items() if _is_set(item, theirs)}
        for item in items[:MOST_ITEMS]
    ]
    return {"items": listed, "itemCount": len(items) or None}


def _is_set(item: Mapping[str, Any], name: str) -> bool:
    return item.get(name) is not None and item[name] not in NOT_SET


def _object(row: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = row.get(name)
    return found if isinstance(found, Mapping) else {}


IMPORTER = Ga4()
