"""What a visitor did, as the collector accepts it and the log keeps it."""

from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

import msgspec

from code24.contracts.wire import Contract, GoalType, Identifier, Moment, Slug, encode

EventType = Literal["page_view", "conversion", "interaction"]
Origin = Literal["live", "import", "replay"]

MAX_EVENT_BYTES = 32 * 1024
"""Segment's limit an event; larger ones are dead letters (``oversized``)."""
MAX_BATCH_BYTES = 500 * 1024
MAX_BATCH_EVENTS = 2_000
MAX_NESTING = 8
MAX_VALUE = 1e9
"""A conversion value beyond this is taken for a mistake, not a sale."""

Url = Annotated[str, msgspec.Meta(max_length=4096)]


class EventFields(Contract, frozen=True, kw_only=True):
    """What an event says beside who its visitor is.

    ``metadata.name`` names an interaction (``experiment_viewed``,
    ``web_vital``, ``engagement``, ``consent``, …); its typed fields stand beside
    it. Without ``id`` the door derives one from the content, so that a retry stays a
    duplicate.
    """

    site_id: Slug
    event_type: EventType
    timestamp: Moment
    id: Identifier | None = None
    goal_type: GoalType | None = None
    conversion_value: (
        Annotated[float, msgspec.Meta(ge=-MAX_VALUE, le=MAX_VALUE)] | None
    ) = None
    session_id: Identifier | None = None
    sent_at: Moment | None = None
    url: Url | None = None
    referrer: Url | None = None
    metadata: dict[str, Any] = msgspec.field(default_factory=dict)

    def __post_init__(self) -> None:
        """Reject combinations that no single field can reject."""
        is_conversion = self.event_type == "conversion"
        if is_conversion and self.goal_type is None:
            raise ValueError("goalType is required for a conversion")
        if not is_conversion and self.goal_type is not None:
            raise ValueError(f"goalType is only for conversions, not {self.event_type}")
        if not is_conversion and self.conversion_value is not None:
            raise ValueError("conversionValue is only for conversions")


class Event(EventFields, frozen=True, kw_only=True):
    """One thing a visitor did.

    ``visitor_id`` is the unit id of assignment, exposure and conversion unless
    ``metadata.unitId`` says otherwise. ``metadata.isCookieless`` marks an id that the
    door made of the request: it names a visitor for one day.
    """

    visitor_id: Identifier


class ArrivingEvent(EventFields, frozen=True, kw_only=True):
    """An event before the door: who sends it may leave the visitor's id to the door."""

    visitor_id: Identifier | None = None


class LogRecord(Contract, frozen=True, kw_only=True):
    """An accepted event as the log holds it: with receipt, origin and flags."""

    event: Event
    received_at: Moment
    origin: Origin
    bot_reason: str | None = None
    """Why the event is taken for a bot's; such events stay out of metrics."""


class Tombstone(Contract, frozen=True, kw_only=True):
    """What stands at the offset of a record that was erased or is kept no longer."""

    removed: date
    """The day (UTC) on which the removed record was received; nothing else of it."""


_TOMBSTONE_START = b'{"removed":'
"""No other record of the log starts so: their first field is another."""
_tombstone_decoder = msgspec.json.Decoder(Tombstone)


def tombstone(received_at: datetime) -> bytes:
    """Return what is put in the place of a record received at that moment."""
    return encode(Tombstone(removed=received_at.astimezone(UTC).date()))


def removed_on(payload: bytes) -> date | None:
    """Return the day of a tombstone's record; none where the payload is a record."""
    if not payload.startswith(_TOMBSTONE_START):
        return None
    return _tombstone_decoder.decode(payload).removed


class Rejected(Contract, frozen=True, kw_only=True):
    """Why one event of a request was refused; the rest went on."""

    index: int
    reason: str


class Answer(Contract, frozen=True, kw_only=True):
    """The collector's answer to one request; duplicates count as accepted."""

    accepted: int
    rejected: tuple[Rejected, ...] = ()


class DeadLetter(Contract, frozen=True, kw_only=True):
    """A refused event as it came, with its reason, kept until replayed or erased."""

    reason: str
    received_at: Moment
    origin: Origin
    source: str
    """Where it came from: a route, or ``file:line`` of an import."""
    body: str
    """The refused text, cut at ``MAX_EVENT_BYTES``."""
    site_id: str | None = None
    """The site that the sender may write to; none where no key or file named one."""
    is_unmapped: bool = False
    """Whether the body is of another tool's form and was never made an event: such a
    letter shows what is wrong and cannot be replayed."""
