"""Plausible's events API (``/api/event``), as its script and servers speak it.

A site is named by its host, as Plausible's ``domain``; there is no key. Fields have a
long and a short name. A body has neither an id nor a time: it happens as it comes, and
a repeated one is another event, as at Plausible.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.responses import PlainTextResponse, Response

from app.collector.protocols.protocol import (
    Arrival,
    BadBodyError,
    Context,
    Envelope,
    Event,
    Key,
    Protocol,
    refused_bodies,
)
from code24.contracts.event import Answer
from code24.protocols.goal_events import named_event
from code24.protocols.reading import (
    kept_properties,
    mapping,
    number,
    present,
    text,
    url,
)

DROPPED = "x-plausible-dropped"
SHORT = {
    "name": "n",
    "url": "u",
    "domain": "d",
    "referrer": "r",
    "props": "p",
    "meta": "m",
    "revenue": "$",
    "interactive": "i",
    "hashMode": "h",
    "engagementTime": "e",
    "scrollDepth": "sd",
    "version": "v",
}

_decoder = msgspec.json.Decoder(dict[str, Any])


def open_body(arrival: Arrival) -> Envelope:
    """Take a body apart: one event, of the site whose host is its domain.

    Raises:
        BadBodyError: it is no object, or names no domain.
    """
    with refused_bodies():
        body = _decoder.decode(arrival.body)
    domain = text(_get(body, "domain"))
    if domain is None:
        raise BadBodyError("invalid: Object missing required field `domain`")
    return Envelope(Key("host", domain.strip().lower()), [body])


def event(body: Mapping[str, Any], context: Context) -> Event:
    """Return the event of one body."""
    said = _said(text(_get(body, "name")), body)
    metadata = {
        **said["metadata"],
        "isInteractive": False if _get(body, "interactive") is False else None,
    }
    return {
        **said,
        "siteId": context.site_id,
        "timestamp": context.received_at.isoformat(),
        "url": url(_get(body, "url")),
        "referrer": url(_get(body, "referrer")),
        "metadata": present(metadata),
    }


def _said(name: str | None, body: Mapping[str, Any]) -> dict[str, Any]:
    if name is None:
        return {"eventType": None, "metadata": {}}
    properties = _properties(body)
    if name == "pageview":
        return {"eventType": "page_view", "metadata": properties}
    if name == "engagement":
        return {"eventType": "interaction", "metadata": _engagement(body)}
    return _custom(name, properties, mapping(_json(_get(body, "revenue"))))


def _custom(
    name: str, properties: dict[str, Any], revenue: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a custom event; one that brings revenue is a sale at least."""
    amount = number(revenue.get("amount"))
    kind = named_event(name, {**properties, "revenue": amount})
    if amount is not None and kind["eventType"] == "interaction":
        kind = {
            "eventType": "conversion",
            "goalType": "sales",
            "conversionValue": amount,
        }
    told = {
        **properties,
        "name": name,
        "currency": text(revenue.get("currency")),
    }
    return {**kind, "metadata": told}


def _engagement(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return how long the page was looked at (ms) and how far it was seen (%)."""
    return {
        "name": "engagement",
        "engagedMs": number(_get(body, "engagementTime")),
        "scrollPercent": number(_get(body, "scrollDepth")),
    }


def _properties(body: Mapping[str, Any]) -> dict[str, Any]:
    given = _get(body, "props")
    found = mapping(_json(given if given is not None else _get(body, "meta")))
    return kept_properties(found)


def _json(value: Any) -> Any:
    """Return what a text of JSON holds: old clients write objects so."""
    if not isinstance(value, str):
        return value
    try:
        return msgspec.json.decode(value)
    except (msgspec.DecodeError, RecursionError):
        return None


def _get(body: Mapping[str, Any], name: str) -> Any:
    found = body.get(SHORT[name])
    return body.get(name) if found is None else found


def _answer(answer: Answer) -> Response:
    return _dropped() if answer.rejected else _taken()


def _taken() -> Response:
    return PlainTextResponse("ok", 202)


def _dropped() -> Response:
    return PlainTextResponse("ok", 202, {DROPPED: "1"})


PROTOCOL = Protocol(
    name="plausible",
    routes=("/api/event",),
    open=open_body,
    event=event,
    answer=_answer,
    unknown_site=_dropped,
)
