"""The event log: append → acknowledged; read from an offset.

One folder a partition, one writer a partition, any number of readers. Records are
counted from 0; an offset, once read, never names another record. ``append`` returns
when its records are on disk, and only then can a reader see them.

Where several machines share a log, another class takes ``SegmentWriter``'s place
behind the same ``EventLog``.
"""

from code24.event_log.files import (
    EventLogError,
    end_offset,
    partitions,
    segment_starts,
    start_offset,
)
from code24.event_log.reader import Record, read
from code24.event_log.redaction import redact
from code24.event_log.trimming import trim
from code24.event_log.writer import SEGMENT_BYTES, EventLog, SegmentWriter

__all__ = [
    "SEGMENT_BYTES",
    "EventLog",
    "EventLogError",
    "Record",
    "SegmentWriter",
    "end_offset",
    "partitions",
    "read",
    "redact",
    "segment_starts",
    "start_offset",
    "trim",
]
