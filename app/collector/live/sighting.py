"""What the live state needs of one record of the event log."""

import math
import re
from collections.abc import Callable
from hashlib import blake2b
from typing import Any, NamedTuple

import msgspec

from code24.contracts.event import Event, LogRecord
from code24.contracts.wire import GoalType, encode
from code24.enrichment.clock import happened_at
from code24.forgetting import unit_digest

ID_BYTES = 16
"""128 bits: among 10 M ids a day two differing ones meet once in 10¹⁷ years."""
MAX_NAME = 128
"""Tests and variants with longer names are none of ours, and are not counted."""
POOR_VITALS: dict[str, float] = {
    "lcp": 4000,
    "cls": 0.25,
    "inp": 500,
    "fid": 300,
    "fcp": 3000,
    "ttfb": 1800,
}
"""From where on a measurement is poor (web.dev); as ``web_vital_rating`` has it."""
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


_decoder = msgspec.json.Decoder(LogRecord)


class Exposure(NamedTuple):
    """A unit was shown a variant of a test."""

    unit: int
    test_id: str
    variant_id: str
    at: float
    """When, by the door's clock, in seconds since 1970."""


class Conversion(NamedTuple):
    """A unit reached a goal."""

    unit: int
    goal_type: GoalType
    value_cents: int
    at: float


class Sighting(NamedTuple):
    """One record: what identifies it, and what of it is counted."""

    digest: bytes
    """Of site and event id; a duplicate has the same."""
    site_id: str
    received_at: float
    is_counted: bool
    """False of bots, and of what was imported or replayed."""
    measures: tuple[str, ...]
    """What is counted once for the site, such as ``page_views``."""
    exposure: Exposure | None = None
    conversion: Conversion | None = None


def sighting(record: LogRecord) -> Sighting:
    """Return what the live state needs of a record."""
    event = record.event
    digest = event_digest(event.site_id, event.id or "")
    received_at = record.received_at.timestamp()
    if record.bot_reason is not None or record.origin != "live":
        return Sighting(digest, event.site_id, received_at, False, ())
    if event.event_type == "page_view":
        return Sighting(digest, event.site_id, received_at, True, ("page_views",))
    if event.event_type == "conversion":
        reached = _conversion(record)
        return Sighting(digest, event.site_id, received_at, True, (), None, reached)
    read = _INTERACTIONS.get(_text(event.metadata.get("name")) or "")
    measures, exposure = ((), None) if read is None else read(record)
    return Sighting(digest, event.site_id, received_at, True, measures, exposure)


NOTHING = Sighting(b"", "", 0.0, False, ())


def logged_sighting(payload: bytes) -> Sighting:
    """Return the same of a record as the log holds it.

    ``NOTHING`` of what is no event: a record that was erased, or another version's.
    What cannot be counted is no reason not to start.
    """
    try:
        return sighting(_decoder.decode(payload))
    except msgspec.MsgspecError:
        return NOTHING


def event_digest(site_id: str, event_id: str) -> bytes:
    """Return the digest by which an event is known again."""
    return blake2b(f"{site_id}\0{event_id}".encode(), digest_size=ID_BYTES).digest()


def cents(value: float) -> int:
    """Return whole cents, halves away from zero, as ``round`` is in SQL."""
    hundredfold = abs(value) * 100
    whole = math.floor(hundredfold)
    rounded = whole + (hundredfold - whole >= 0.5)
    return rounded if value >= 0 else -rounded


_Read = Callable[[LogRecord], tuple[tuple[str, ...], Exposure | None]]


def _exposed(record: LogRecord) -> tuple[tuple[str, ...], Exposure | None]:
    event = record.event
    test_id = _text(event.metadata.get("experimentId"))
    variant_id = _text(event.metadata.get("variationId"))
    if test_id is None or variant_id is None:
        return (), None
    if not (0 < len(test_id) <= MAX_NAME and 0 < len(variant_id) <= MAX_NAME):
        return (), None
    return (), Exposure(_unit(event), test_id, variant_id, _happened_at(record))


def _measured(record: LogRecord) -> tuple[tuple[str, ...], Exposure | None]:
    found: list[str] = []
    for name, poor_from in POOR_VITALS.items():
        value = _number(record.event.metadata.get(name))
        if value is not None:
            found.append(f"{name}_measured")
            if value >= poor_from:
                found.append(f"{name}_poor")
    return tuple(found), None


def _failed(_record: LogRecord) -> tuple[tuple[str, ...], Exposure | None]:
    return ("errors",), None


_INTERACTIONS: dict[str, _Read] = {
    "experiment_viewed": _exposed,
    "web_vital": _measured,
    "error": _failed,
}
"""The named interactions that are counted."""


def _conversion(record: LogRecord) -> Conversion | None:
    event = record.event
    if event.goal_type is None:
        return None
    value = cents(event.conversion_value or 0.0)
    return Conversion(_unit(event), event.goal_type, value, _happened_at(record))


def _happened_at(record: LogRecord) -> float:
    """Return when it happened by the door's clock, as the warehouse has it."""
    event = record.event
    moment = happened_at(event.timestamp, event.sent_at, record.received_at)
    return moment.timestamp()


def _unit(event: Event) -> int:
    unit_id = _text(event.metadata.get("unitId"))
    return unit_digest(event.site_id, event.visitor_id if unit_id is None else unit_id)


def _text(value: Any) -> str | None:
    """Return a JSON value as the warehouse's ``json_text`` does."""
    if value is None or isinstance(value, str):
        return value
    return encode(value).decode()


def _number(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return float(value)
    return None


def minute_of(moment: float) -> int:
    """Return the minute since 1970 that a moment lies in."""
    return int(moment // 60)


def milliseconds(moment: float) -> int:
    """Return a moment as whole milliseconds since 1970."""
    return round(moment * 1000)
