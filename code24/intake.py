"""The door that every event passes, live or imported: admitted, or a dead letter.

Each reason starts with a code: ``bad_json``, ``oversized``, ``too_deep``, ``invalid``,
``wrong_site``, ``unknown_site``, ``in_future``, ``too_late`` or ``erased``.
"""

from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import msgspec

from code24.contracts.event import (
    MAX_EVENT_BYTES,
    MAX_NESTING,
    ArrivingEvent,
    DeadLetter,
    Event,
    LogRecord,
    Origin,
)
from code24.contracts.wire import digest, encode
from code24.enrichment import enrich
from code24.enrichment.clock import happened_at, is_clock_time
from code24.enrichment.suspects import NO_SUSPECTS, Suspects
from code24.errors import Code24Error
from code24.event_log import EventLog, SegmentWriter
from code24.privacy.erased import NOBODY, Erased
from code24.privacy.identity import identifiers
from code24.request_facts import NO_REQUEST, RequestFacts, truncated

MAX_LATENESS = timedelta(hours=72)
"""A live event that happened earlier is refused, as GA4 does; imports are exempt."""
MAX_AHEAD = timedelta(hours=24)
"""How far a time may be ahead that no ``sentAt`` corrects: a wrong time zone, not a
wrong year."""
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
"""Before the web; such a time is a mistake whatever its origin."""
ADDRESS_FIELDS = frozenset({"ip", "ipAddress", "ip_address", "userIp", "user_ip"})
"""Where clients put a visitor's address into the metadata; the door truncates it."""

_ERASED = "erased"
_event_decoder = msgspec.json.Decoder(ArrivingEvent)


class _RefusedError(Code24Error):
    """Why the event is refused, its code first."""


def admit(  # noqa: PLR0913 - each is a fact of its own
    body: bytes | dict[str, Any],
    *,
    origin: Origin,
    received_at: datetime,
    source: str,
    sites: Collection[str],
    expected_site: str | None = None,
    facts: RequestFacts = NO_REQUEST,
    erased: Erased = NOBODY,
    suspects: Suspects = NO_SUSPECTS,
) -> LogRecord | DeadLetter:
    """Validate one event, complete it, add what its user agent tells, flag a bot.

    Args:
        body: The event's JSON text, or its fields with camelCase names.
        origin: How it came; only ``live`` events can be too late, and only others may
            bring a ``metadata.botReason`` of their own.
        received_at: When it came, with time zone.
        source: Where it came from, for the dead letter.
        sites: The ids of all sites.
        expected_site: The site that the sender may write to; any where absent.
        facts: What the request tells of an event that does not say it itself: its
            user agent, and the cookieless id where there is no ``visitorId``.
        erased: Whose earlier events are not taken; nothing of them is kept but the
            reason of a dead letter without a body.
        suspects: Which referrers only bots have.
    """
    text = body if isinstance(body, bytes) else repr(body).encode(errors="replace")
    buried = partial(
        dead_letter,
        origin=origin,
        received_at=received_at,
        source=source,
        site_id=expected_site,
        erased=erased,
    )
    try:
        text = _as_json(body)
        arriving = _decode(text)
        event = _complete(arriving, facts)
    except _RefusedError as refused:
        return buried(str(refused), text)
    try:
        _check_erased(event, erased)
        _check_site(event.site_id, sites, expected_site)
        _check_times(event, origin, received_at)
    except _RefusedError as refused:
        # Who sent it is known now only: the letter must say it to be replayed.
        return buried(str(refused), text if arriving.visitor_id else encode(event))
    suspected = suspects.referrer_reason(event.referrer) or facts.data_centre
    metadata, bot_reason = enrich(event.metadata, origin, suspected)
    return LogRecord(
        event=msgspec.structs.replace(event, metadata=metadata),
        received_at=received_at,
        origin=origin,
        bot_reason=bot_reason,
    )


def dead_letter(  # noqa: PLR0913 - each is a fact of its own
    reason: str,
    body: bytes | str,
    *,
    origin: Origin,
    received_at: datetime,
    source: str,
    site_id: str | None = None,
    erased: Erased = NOBODY,
    is_unmapped: bool = False,
) -> DeadLetter:
    """Return the dead letter of what was refused, its body cut to the limit.

    One that names somebody erased has no body, and of its reason the code alone.
    """
    data = body if isinstance(body, bytes) else body.encode(errors="replace")
    text = data[:MAX_EVENT_BYTES].decode(errors="replace")
    if reason.startswith(_ERASED) or erased.mentioned(f"{text} {reason}"):
        reason, text = _without_person(reason), ""
    return DeadLetter(
        reason=reason,
        received_at=received_at,
        origin=origin,
        source=source,
        body=text,
        site_id=site_id,
        is_unmapped=is_unmapped,
    )


def _without_person(reason: str) -> str:
    code = reason.partition(":")[0]
    return reason if code == _ERASED else f"{code}: names a visitor who was erased"


def _as_json(body: bytes | dict[str, Any]) -> bytes:
    if isinstance(body, bytes):
        return body
    try:
        return encode(body)
    except (TypeError, ValueError, RecursionError) as error:
        raise _RefusedError(f"invalid: {error}") from error


def _decode(text: bytes) -> ArrivingEvent:
    if len(text) > MAX_EVENT_BYTES:
        raise _RefusedError(
            f"oversized: the event has {len(text)} bytes, {MAX_EVENT_BYTES} are allowed"
        )
    try:
        event = _event_decoder.decode(text)
    except msgspec.ValidationError as error:
        raise _RefusedError(f"invalid: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _RefusedError(f"bad_json: {error}") from error
    except RecursionError as error:
        raise _RefusedError(_too_deep()) from error
    if _is_deeper(event.metadata, MAX_NESTING - 1):
        raise _RefusedError(_too_deep())
    return event


def _too_deep() -> str:
    return f"too_deep: the event is nested deeper than {MAX_NESTING} levels"


def _is_deeper(value: Any, levels: int) -> bool:
    """Say whether objects and arrays stand in one another more than ``levels`` deep."""
    if not isinstance(value, dict | list):
        return False
    if levels == 0:
        return True
    items = value.values() if isinstance(value, dict) else value
    return any(_is_deeper(item, levels - 1) for item in items)


def _check_erased(event: Event, erased: Erased) -> None:
    if erased.is_empty:
        return
    if erased.covers(event.site_id, identifiers(event), event.timestamp):
        raise _RefusedError(
            f"{_ERASED}: it happened before its visitor or site was erased"
        )


def _check_site(site_id: str, sites: Collection[str], expected: str | None) -> None:
    if expected is not None and site_id != expected:
        raise _RefusedError(
            f"wrong_site: siteId is {site_id!r}, but the write key is of {expected!r}"
        )
    if site_id not in sites:
        raise _RefusedError(
            f"unknown_site: there is no site {site_id!r}; add it, then replay"
        )


def _check_times(event: Event, origin: Origin, received_at: datetime) -> None:
    if origin == "live":
        _check_live_times(event, received_at)
        return
    _check_time("timestamp", event.timestamp, received_at)
    if event.sent_at is not None:
        _check_time("sentAt", event.sent_at, received_at)


def _check_live_times(event: Event, received_at: datetime) -> None:
    """Look at when it happened by the door's clock; the sender's may be years off."""
    _check_clock("timestamp", event.timestamp)
    if event.sent_at is not None:
        _check_clock("sentAt", event.sent_at)
    happened = happened_at(event.timestamp, event.sent_at, received_at)
    _check_time("timestamp", happened, received_at)
    age = received_at - happened
    if age > MAX_LATENESS:
        raise _RefusedError(
            f"too_late: timestamp {happened.isoformat()} is {_hours(age)} h "
            f"before receipt, {_hours(MAX_LATENESS)} h are allowed"
        )


def _check_clock(field: str, moment: datetime) -> None:
    if not is_clock_time(moment):
        raise _RefusedError(
            f"invalid: {field} {moment.isoformat()} is no time that a clock shows"
        )


def _check_time(field: str, moment: datetime, received_at: datetime) -> None:
    if moment < EARLIEST:
        raise _RefusedError(f"invalid: {field} {moment.isoformat()} is before 1990")
    ahead = moment - received_at
    if ahead > MAX_AHEAD:
        raise _RefusedError(
            f"in_future: {field} {moment.isoformat()} is {_hours(ahead)} h "
            f"after receipt, {_hours(MAX_AHEAD)} h are allowed"
        )


def _hours(span: timedelta) -> int:
    return span // timedelta(hours=1)


def _complete(arriving: ArrivingEvent, facts: RequestFacts) -> Event:
    """Give the event an id, of what was sent, and what the request tells.

    The event's own visitor and user agent win over the request's.
    """
    visitor_id = arriving.visitor_id or facts.visitor_id
    if visitor_id is None:
        raise _RefusedError("invalid: Object missing required field `visitorId`")
    metadata = _without_addresses(arriving.metadata)
    if facts.user_agent and "userAgent" not in metadata:
        metadata = {**metadata, "userAgent": facts.user_agent}
    if arriving.visitor_id is None:
        metadata = {**metadata, "isCookieless": True}
    fields = msgspec.structs.asdict(arriving)
    fields["id"] = arriving.id or _content_id(arriving, visitor_id)
    fields["visitor_id"] = visitor_id
    fields["metadata"] = metadata
    return Event(**fields)


def _content_id(arriving: ArrivingEvent, visitor_id: str) -> str:
    """Return the digest of the content without ``sentAt``, which a retry changes."""
    content = msgspec.structs.replace(arriving, sent_at=None, visitor_id=visitor_id)
    return digest(content)[:32]


def _without_addresses(metadata: dict[str, Any]) -> dict[str, Any]:
    """Truncate the addresses that a client put into the metadata."""
    if ADDRESS_FIELDS.isdisjoint(metadata):
        return metadata
    return {
        name: truncated(str(value)) if name in ADDRESS_FIELDS else value
        for name, value in metadata.items()
    }


class Encoded(NamedTuple):
    """What was admitted and what was refused, as the log holds them."""

    records: list[bytes]
    dead: list[bytes]


def encode_outcomes(outcomes: Iterable[LogRecord | DeadLetter]) -> Encoded:
    """Encode what ``admit`` returned, in its order."""
    encoded = Encoded([], [])
    for outcome in outcomes:
        is_dead = isinstance(outcome, DeadLetter)
        (encoded.dead if is_dead else encoded.records).append(encode(outcome))
    return encoded


class IntakeLog:
    """A partition of the event log with its partition of dead letters.

    A context manager. Dead letters lie below ``dead/`` as ``dead-<partition>``, so
    that they are no partition of the log itself.
    """

    def __init__(self, records: EventLog, dead: EventLog) -> None:
        self._records = records
        self._dead = dead

    @classmethod
    def open(cls, log: Path, partition: str) -> Self:
        """Open both for writing.

        Raises:
            EventLogError: another writer holds them, or they are damaged.
        """
        records = SegmentWriter(log, partition)
        try:
            dead = SegmentWriter(dead_folder(log), dead_partition(partition))
        except BaseException:
            records.close()
            raise
        return cls(records, dead)

    @property
    def end(self) -> int:
        """Return the offset that the next admitted event will have."""
        return self._records.end

    @property
    def trouble(self) -> str | None:
        """Return why nothing can be written any more; none while it can."""
        return self._records.trouble or self._dead.trouble

    def append(self, encoded: Encoded) -> range:
        """Return the offsets of the admitted events once all is durable.

        Raises:
            EventLogError: the admitted events were not written; dead letters, which
                go first, may have been.
        """
        self._dead.append(encoded.dead)
        return self._records.append(encoded.records)

    def close(self) -> None:
        """Leave both partitions to another writer."""
        self._dead.close()
        self._records.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def dead_folder(log: Path) -> Path:
    """Return the log of dead letters that belongs to an event log."""
    return log / "dead"


def dead_partition(partition: str) -> str:
    """Return the name of a partition's dead letters."""
    return f"dead-{partition}"
