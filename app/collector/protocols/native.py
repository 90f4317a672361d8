"""Code24's own: one event, or ``{"events": [...]}``, as the contract has them."""

import msgspec

from app.collector.protocols.protocol import (
    Arrival,
    BadBodyError,
    Context,
    Envelope,
    Event,
    Key,
    Protocol,
    json_answer,
    refused_bodies,
)

_object_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
_list_decoder = msgspec.json.Decoder(list[msgspec.Raw])
_key_decoder = msgspec.json.Decoder(str)


def open_body(arrival: Arrival) -> Envelope:
    """Take a body apart: one event, or ``events`` beside an optional ``writeKey``.

    Raises:
        BadBodyError: it is neither.
    """
    with refused_bodies():
        return _open(arrival.body)


def _open(body: bytes) -> Envelope:
    fields = _object_decoder.decode(body)
    raw_key = fields.pop("writeKey", None)
    key = None
    if raw_key is not None:
        key = Key("write_key", _key_decoder.decode(raw_key))
    if "events" not in fields:
        event = body if raw_key is None else msgspec.json.encode(fields)
        return Envelope(key, [event])
    if len(fields) > 1:
        others = sorted(fields.keys() - {"events"})
        raise BadBodyError(f"invalid: unknown fields beside events: {others}")
    return Envelope(key, [bytes(e) for e in _list_decoder.decode(fields["events"])])


def _as_it_is(item: bytes, _context: Context) -> Event:
    return item


PROTOCOL = Protocol(
    name="native",
    routes=("/v1/events",),
    open=open_body,
    event=_as_it_is,
    answer=lambda answer: json_answer(200, answer),
)
