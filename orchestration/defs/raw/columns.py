"""Log records as the columns of raw events: a chunk at a time, not a row at a time.

A row's dictionary costs several times what decoding it does. So the records are
decoded into structs without the contract's patterns, which the door has checked and
the log's checksum has kept; metadata stays the text it is, for ``encode`` wrote it with
sorted keys; times are parsed by Arrow.
"""

from collections.abc import Iterator, Sequence
from datetime import date

import msgspec
import pyarrow as pa
from pyarrow import compute

from code24.contracts.event import LogRecord
from code24.event_log import Record
from orchestration.defs.raw.files import RawError
from orchestration.defs.raw.schema import EVENTS

_ZONED = pa.timestamp("us", tz="UTC")


class _LoggedEvent(
    msgspec.Struct, kw_only=True, rename="camel", forbid_unknown_fields=True, gc=False
):
    """The fields of ``Event``; a test holds the two together."""

    site_id: str
    event_type: str
    visitor_id: str
    timestamp: str
    id: str | None
    goal_type: str | None
    conversion_value: float | None
    session_id: str | None
    sent_at: str | None
    url: str | None
    referrer: str | None
    metadata: msgspec.Raw


class _Logged(
    msgspec.Struct, kw_only=True, rename="camel", forbid_unknown_fields=True, gc=False
):
    """The fields of ``LogRecord``."""

    event: _LoggedEvent
    received_at: str
    origin: str
    bot_reason: str | None


_decode = msgspec.json.Decoder(_Logged).decode
_decode_strictly = msgspec.json.Decoder(LogRecord).decode


def event_table(partition: str, records: Sequence[Record]) -> pa.Table:
    """Return the records as rows of ``raw.events``, in their order.

    Raises:
        RawError: a record was written by another version; names the first such.
    """
    try:
        return _table(partition, records)
    except (msgspec.MsgspecError, pa.ArrowException, UnicodeDecodeError) as error:
        raise _foreign(partition, records, error) from error


def by_received_date(table: pa.Table) -> Iterator[tuple[date, pa.Table]]:
    """Yield the rows of each UTC date of receipt, the oldest date first."""
    dates = compute.cast(table["received_at"], pa.date32())
    for day in sorted(compute.unique(dates).to_pylist()):
        yield day, table.filter(compute.equal(dates, pa.scalar(day, pa.date32())))


def _table(partition: str, records: Sequence[Record]) -> pa.Table:
    logged = [_decode(record.payload) for record in records]
    events = [one.event for one in logged]
    columns = {
        "event_id": [event.id for event in events],
        "site_id": [event.site_id for event in events],
        "event_type": [event.event_type for event in events],
        "goal_type": [event.goal_type for event in events],
        "conversion_value": [event.conversion_value for event in events],
        "visitor_id": [event.visitor_id for event in events],
        "session_id": [event.session_id for event in events],
        "event_at": _times([event.timestamp for event in events]),
        "sent_at": _times([event.sent_at for event in events]),
        "received_at": _times([one.received_at for one in logged]),
        "url": [event.url for event in events],
        "referrer": [event.referrer for event in events],
        "metadata": pa.array([bytes(event.metadata) for event in events], pa.string()),
        "origin": [one.origin for one in logged],
        "bot_reason": [one.bot_reason for one in logged],
        "log_partition": [partition] * len(records),
        "log_offset": [record.offset for record in records],
    }
    return pa.table(columns, schema=EVENTS)


def _times(texts: list[str | None]) -> pa.Array:
    """Return the moments in UTC without a zone, as raw tables hold them."""
    zoned = compute.cast(pa.array(texts, pa.string()), _ZONED)
    return zoned.cast(pa.timestamp("us"))


def _foreign(partition: str, records: Sequence[Record], cause: Exception) -> RawError:
    """Name the first record that is none of this version's."""
    offset, reason = records[0].offset, str(cause)
    for record in records:
        try:
            _decode_strictly(record.payload)
        except msgspec.MsgspecError as error:
            offset, reason = record.offset, str(error)
            break
    return RawError(
        f"event log {partition!r}, record {offset}: {reason}; it was written "
        "by another version of Code24: drain it with that one first"
    )
