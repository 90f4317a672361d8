"""An event log to drain: records of two received dates, written for real."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from code24.contracts.event import Event, LogRecord
from code24.contracts.wire import encode
from code24.event_log import SegmentWriter

NOON = datetime(2026, 3, 1, 23, 59, tzinfo=UTC)


def record(number: int, **given: object) -> LogRecord:
    """Return the record of a page view; one second after that of the number before."""
    at = NOON + timedelta(seconds=number)
    event = Event(
        id=f"e{number}",
        site_id="upworthy",
        event_type="page_view",
        visitor_id=f"v{number % 3}",
        timestamp=at,
        metadata={"pageViewId": f"p{number}", "z": 1, "a": [1, "ü"]},
    )
    fields = {"event": event, "received_at": at, "origin": "live", **given}
    return LogRecord(**fields)  # type: ignore[arg-type]


def append(log: Path, partition: str, records: Iterable[LogRecord]) -> None:
    """Append the records to one partition."""
    with SegmentWriter(log, partition) as writer:
        writer.append([encode(one) for one in records])


def append_numbers(log: Path, partition: str, start: int, end: int) -> None:
    """Append the records with the numbers ``start`` to ``end``, exclusive."""
    append(log, partition, (record(number) for number in range(start, end)))
