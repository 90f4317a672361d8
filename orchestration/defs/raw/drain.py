"""Drain the event log into raw Parquet, exactly once.

The files of a chunk are written first, each whole; ``committed.json`` then moves
the offset on. A drain that is killed anywhere leaves at most files past the
committed offset, and the next one removes those before it starts. The offset is
part of each name, so nothing can be there twice unseen.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
from pyarrow import parquet

from code24 import event_log
from code24.contracts.event import removed_on
from code24.event_log import Record
from code24.privacy.erased import NOBODY, Erased
from code24.privacy.records import removing_events
from orchestration.defs.raw.columns import by_received_date, event_table
from orchestration.defs.raw.files import (
    EMPTY,
    LOCK,
    EventFile,
    RawError,
    event_files,
    read_committed,
    superseded,
    unfinished,
    write_committed,
    write_whole,
)
from orchestration.defs.raw.removed import count_before_start, finish, with_removed
from orchestration.defs.raw.schema import EVENTS
from orchestration.locks import exclusive

CHUNK_RECORDS = 50_000
CHUNK_BYTES = 64 * 1024 * 1024
"""A chunk is held in memory whole, about five times its bytes; so both are bounded."""


class Drained(NamedTuple):
    """What one drain took out of one partition: records ``start`` to ``end``."""

    partition: str
    start: int
    end: int
    files: int


def drain(
    log: Path,
    raw: Path,
    *,
    chunk_records: int = CHUNK_RECORDS,
    chunk_bytes: int = CHUNK_BYTES,
    erased: Erased = NOBODY,
) -> tuple[Drained, ...]:
    """Write every record that the log holds and raw does not, and commit it.

    Args:
        log: the folder of the event log.
        raw: the folder of the raw files; ``raw/events`` is written.
        chunk_records: records held in memory at most.
        chunk_bytes: bytes of records held in memory at most.
        erased: whose earlier events become tombstones in the log, should any have
            come into it; the door takes none.

    Raises:
        RawError: the log ends before what was drained, or a record is unreadable.
        EventLogError: the log is corrupt.
    """
    events = raw / "events"
    with exclusive(events / LOCK):
        _write_empty(events)
        recover(log, events)
        names = event_log.partitions(log)
        for name in names:
            _start(log, events, name)
            _purge(log, name, read_committed(events).get(name, 0), erased)
        return tuple(
            _drain_partition(log, events, name, chunk_records, chunk_bytes)
            for name in names
        )


def recover(log: Path, events: Path) -> list[Path]:
    """Remove what a killed drain or compaction left; return what was removed.

    That is files half written, files past the committed offset, and files that a
    compacted one covers.

    Raises:
        RawError: the log cannot give again what would be removed.
    """
    committed = read_committed(events)
    for partition, offset in committed.items():
        _require_log(log, events, partition, offset)
    finish(events)
    files = event_files(events)
    past = [file for file in files if file.end > committed.get(file.partition, 0)]
    for file in past:
        _require_log(log, events, file.partition, file.end)
    spare = superseded(
        file for file in files if file.end <= committed.get(file.partition, 0)
    )
    left = [*unfinished(events), *(file.path for file in (*past, *spare))]
    for path in left:
        path.unlink()
    return left


def _require_log(log: Path, events: Path, partition: str, offset: int) -> None:
    end = event_log.end_offset(log, partition)
    if end < offset:
        raise RawError(
            f"{log / partition}: the log ends at record {end}, but {events} holds it "
            f"up to {offset}: the log was cut or replaced; restore it, or move "
            f"{events} away to build it anew from the log as it is"
        )


def _start(log: Path, events: Path, partition: str) -> None:
    """Let raw that is built anew start where the log does.

    Raises:
        RawError: the log starts after what was drained.
    """
    committed = read_committed(events)
    start, drained = event_log.start_offset(log, partition), committed.get(partition, 0)
    if start <= drained:
        return
    if drained:
        raise RawError(
            f"{log / partition}: the log starts at record {start}, but {events} holds "
            f"it only up to {drained}: records are lost; restore the log"
        )
    count_before_start(events, partition, start)
    write_committed(events, {**committed, partition: start})


def _purge(log: Path, partition: str, start: int, erased: Erased) -> None:
    if erased.is_empty:
        return
    decide = removing_events(
        lambda event: erased.covers(event.site_id, event.persons(), event.timestamp)
    )
    event_log.redact(log, partition, decide, start=start)


def _write_empty(events: Path) -> None:
    """Keep the folder's glob from ever being empty; DuckDB refuses one that is."""
    path = events / EMPTY
    if not path.exists():
        write_table(path, EVENTS.empty_table())


def _drain_partition(
    log: Path, events: Path, partition: str, chunk_records: int, chunk_bytes: int
) -> Drained:
    start = read_committed(events).get(partition, 0)
    end, files = start, 0
    records = event_log.read(log, partition, start)
    for chunk in _chunks(records, chunk_records, chunk_bytes):
        files += _write_chunk(events, partition, chunk)
        end = chunk[-1].offset + 1
        write_committed(events, {**read_committed(events), partition: end})
    return Drained(partition, start, end, files)


def _chunks(
    records: Iterator[Record], max_records: int, max_bytes: int
) -> Iterator[list[Record]]:
    chunk: list[Record] = []
    size = 0
    for record in records:
        chunk.append(record)
        size += len(record.payload)
        if len(chunk) >= max_records or size >= max_bytes:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _write_chunk(events: Path, partition: str, chunk: Sequence[Record]) -> int:
    start, end = chunk[0].offset, chunk[-1].offset + 1
    kept = [record for record in chunk if removed_on(record.payload) is None]
    removed = Counter(filter(None, (removed_on(record.payload) for record in chunk)))
    tables = dict(by_received_date(event_table(partition, kept)))
    for day in sorted(tables.keys() | removed.keys()):
        folder = events / f"received_date={day.isoformat()}"
        path = EventFile.named(folder, partition, start, end).path
        table = tables.get(day, EVENTS.empty_table())
        write_table(path, with_removed(table, removed[day]))
    return len(tables.keys() | removed.keys())


def write_table(path: Path, table: pa.Table) -> None:
    """Write one Parquet file, whole or not at all."""
    write_whole(path, lambda part: parquet.write_table(table, part, compression="zstd"))
