"""Segment's HTTP API, as its clients and RudderStack's speak it.

Semantics after Segment's specification (Spec: Common Fields, HTTP Tracking API): a
batch is answered with success although some of its calls are dead letters, as its
clients would drop all of it on an error. ``sentAt`` stays beside the client's own time:
the warehouse corrects the clock by both.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.responses import Response

from app.collector.protocols.protocol import (
    Arrival,
    BadBodyError,
    BadItemError,
    Context,
    Envelope,
    Event,
    Key,
    Protocol,
    json_answer,
    refused_bodies,
)
from code24.contracts.event import Answer
from code24.protocols.reading import text
from code24.protocols.segment import native_event, refused_call

BATCH_ROUTES = ("/v1/batch", "/v1/b", "/v1/import")
TYPES = {
    "/v1/track": "track",
    "/v1/t": "track",
    "/v1/page": "page",
    "/v1/p": "page",
    "/v1/identify": "identify",
    "/v1/i": "identify",
    "/v1/group": "group",
    "/v1/g": "group",
    "/v1/alias": "alias",
    "/v1/a": "alias",
    "/v1/screen": "screen",
    "/v1/s": "screen",
}
"""The type of a call that does not say it itself."""
SHARED = ("context", "integrations", "sentAt")
"""What a batch says for all calls that do not say it themselves."""

_decoder = msgspec.json.Decoder(dict[str, Any])


def open_body(arrival: Arrival) -> Envelope:
    """Take a body apart: one call, or ``batch``.

    Raises:
        BadBodyError: it is neither.
    """
    with refused_bodies():
        body = _decoder.decode(arrival.body)
    key = text(body.pop("writeKey", None))
    named = None if key is None else Key("write_key", key)
    if arrival.path not in BATCH_ROUTES:
        return Envelope(named, [{"type": TYPES[arrival.path], **body}])
    batch = body.get("batch")
    if not isinstance(batch, list):
        raise BadBodyError("invalid: batch must be a list of calls")
    shared = {name: body[name] for name in SHARED if name in body}
    return Envelope(named, [_completed(call, shared) for call in batch])


def _completed(call: Any, shared: Mapping[str, Any]) -> Any:
    return {**shared, **call} if isinstance(call, dict) else call


def event(call: Any, context: Context) -> Event:
    """Return the event of one call; one without a time happened as it came.

    Raises:
        BadItemError: it is none of the specification's calls.
    """
    try:
        if not isinstance(call, dict):
            raise ValueError(f"a call must be an object, not {type(call).__name__}")  # noqa: TRY004, TRY301
        received = {"receivedAt": context.received_at.isoformat()}
        return native_event({**call, **received}, context.site_id, context.pseudonym)
    except ValueError as error:
        kept = refused_call(call, context.pseudonym)
        raise BadItemError(f"invalid: {error}", kept) from error


def _answer(_answer: Answer) -> Response:
    return json_answer(200, {"success": True})


PROTOCOL = Protocol(
    name="segment",
    routes=(*BATCH_ROUTES, *TYPES),
    open=open_body,
    event=event,
    answer=_answer,
    is_sent_for_visitors=True,
)
