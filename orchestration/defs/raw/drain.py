"""Drain the event log into raw Parquet, exactly once.

The files of a chunk are written first, each whole; ``committed.json`` then moves
the offset on. A drain that is killed anywhere leaves at most files past the
committed offset, and the next one removes those before it starts. The offset is
part of each name, so nothing can be there twice unseen.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
from pyarrow import parquet

from code24 import event_log
from code24.event_log import Record
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
) -> tuple[Drained, ...]:
    """Write every record that the log holds and raw does not, and commit it.

    Args:
        log: the folder of the event log.
        raw: the folder of the raw files; ``raw/events`` is written.
        chunk_records: records held in memory at most.
        chunk_bytes: bytes of records held in memory at most.

    Raises:
        RawError: the log ends before what was drained, or a record is unreadable.
        EventLogError: the log is corrupt.
    """
    events = raw / "events"
    with exclusive(events / LOCK):
        _write_empty(events)
        recover(log, events)
        return tuple(
            _drain_partition(log, events, name, chunk_records, chunk_bytes)
            for name in event_log.partitions(log)
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
    files = 0
    for day, of_day in by_received_date(event_table(partition, chunk)):
        folder = events / f"received_date={day.isoformat()}"
        write_table(EventFile.named(folder, partition, start, end).path, of_day)
        files += 1
    return files


def write_table(path: Path, table: pa.Table) -> None:
    """Write one Parquet file, whole or not at all."""
    write_whole(path, lambda part: parquet.write_table(table, part, compression="zstd"))
