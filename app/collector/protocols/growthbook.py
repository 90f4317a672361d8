"""GrowthBook's ingestion endpoint (``/track?client_key=…``), as its plug-ins speak it.

The JavaScript and the Python client's tracking plug-in send a list of events, as
text/plain. The two name their own events and fields differently. A body has neither
ids nor times: events happen as they come.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec

from app.collector.protocols.protocol import (
    Arrival,
    Context,
    Envelope,
    Event,
    Key,
    Protocol,
    json_answer,
    refused_bodies,
)
from code24.contracts.wire import encode
from code24.personal import unit_of
from code24.protocols.goal_events import exposure, named_event
from code24.protocols.reading import (
    first_text,
    kept_properties,
    mapping,
    present,
    text,
    url,
)

EXPOSURES = frozenset({"Experiment Viewed", "$$experiment_viewed"})
EVALUATIONS = frozenset({"Feature Evaluated", "$$feature_evaluated"})
MICROSECOND = timedelta(microseconds=1)

_decoder = msgspec.json.Decoder(dict[str, Any] | list[Any])


def open_body(arrival: Arrival) -> Envelope:
    """Take a body apart: a list of events, or one.

    Raises:
        BadBodyError: it is neither.
    """
    with refused_bodies():
        body = _decoder.decode(arrival.body)
    key = arrival.query.get("client_key") or arrival.query.get("clientKey")
    items = body if isinstance(body, list) else [body]
    named = Key("client_key", key) if key else None
    return Envelope(named, list(enumerate(items)))


def event(item: tuple[int, Any], context: Context) -> Event:
    """Return the event of one item: its place in the list, and its body.

    Each is a microsecond after the one before: without ids, equal events of one list
    would else be taken for one event that came twice.
    """
    place, body = item
    if not isinstance(body, dict):
        return encode(body)
    properties = mapping(body.get("properties_json") or body.get("properties"))
    name = text(body.get("event_name"))
    unit = _unit(properties, context)
    said = _said(name, properties)
    metadata = {
        **said["metadata"],
        "unitId": unit,
        "pageViewId": text(body.get("page_id")),
        "title": text(body.get("page_title")),
        "library": f"growthbook-{text(body.get('sdk_language')) or 'unknown'}",
        "libraryVersion": text(body.get("sdk_version")),
        "campaign": _campaign(body),
    }
    return {
        **said,
        "siteId": context.site_id,
        "visitorId": unit or _visitor(body, context),
        "sessionId": text(body.get("session_id")),
        "timestamp": (context.received_at + place * MICROSECOND).isoformat(),
        "url": url(body.get("url")),
        "metadata": present(metadata),
    }


def _said(name: str | None, properties: Mapping[str, Any]) -> dict[str, Any]:
    if name is None:
        return {"eventType": None, "metadata": {}}
    if name in EXPOSURES:
        return {"eventType": "interaction", "metadata": exposure(properties)}
    if name in EVALUATIONS:
        return {"eventType": "interaction", "metadata": _evaluation(properties)}
    kept = {**kept_properties(properties), "name": name}
    return {**named_event(name, properties), "metadata": kept}


def _evaluation(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": "feature_evaluated",
        "feature": first_text(properties.get("feature"), properties.get("feature_key")),
        "source": text(properties.get("source")),
        "ruleId": first_text(properties.get("ruleId"), properties.get("rule_id")),
    }


def _unit(properties: Mapping[str, Any], context: Context) -> str | None:
    """Return the unit that was assigned, whatever attribute it was hashed by."""
    value = first_text(properties.get("hashValue"), properties.get("hash_value"))
    return None if value is None else unit_of(value, context.pseudonym)


def _visitor(body: Mapping[str, Any], context: Context) -> str | None:
    found = first_text(body.get("device_id"), body.get("user_id"))
    return None if found is None else unit_of(found, context.pseudonym)


def _campaign(body: Mapping[str, Any]) -> dict[str, Any]:
    names = ("source", "medium", "campaign", "term", "content")
    return present({name: text(body.get(f"utm_{name}")) for name in names})


PROTOCOL = Protocol(
    name="growthbook",
    routes=("/track",),
    open=open_body,
    event=event,
    answer=lambda answer: json_answer(200, answer),
    is_sent_for_visitors=True,
)
