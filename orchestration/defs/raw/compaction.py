"""Merge the many small files of a received date into few, exactly once.

The merged file is written whole under the name of all the offsets it covers; then
its parts are removed. Killed in between, the parts are known by the offsets that
the merged file covers, and the next drain removes them.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

from orchestration.defs.raw.drain import CHUNK_RECORDS
from orchestration.defs.raw.files import (
    LOCK,
    EventFile,
    RawError,
    event_files,
    write_whole,
)
from orchestration.defs.raw.removed import removed_in, with_removed
from orchestration.defs.raw.schema import EVENTS
from orchestration.locks import exclusive


def compact(raw: Path, *, above: int) -> tuple[EventFile, ...]:
    """Compact each date that has more than ``above`` files of a partition.

    Returns:
        the merged files.

    Raises:
        RawError: a file is corrupt; names it and the way out.
    """
    events = raw / "events"
    with exclusive(events / LOCK):
        groups = groupby(event_files(events), lambda f: (f.path.parent, f.partition))
        of_dates = [list(files) for _, files in groups]
        return tuple(_merge(tail(files)) for files in of_dates if len(files) > above)


def tail(files: Sequence[EventFile]) -> list[EventFile]:
    """Choose the newest files to merge: all that are not far larger than the rest.

    An older file stays once it holds over twice the rows of all newer ones, so a
    row is rewritten a few times a day (with the logarithm of the day's rows), not
    at each compaction.
    """
    chosen: list[EventFile] = []
    rows = 0
    for file in reversed(files):
        size = row_count(file.path)
        if len(chosen) >= 2 and size > 2 * rows:
            break
        chosen.append(file)
        rows += size
    return chosen[::-1]


def row_count(path: Path) -> int:
    """Return how many rows a Parquet file's footer tells of.

    Raises:
        RawError: the file is corrupt.
    """
    return int(footer(path).num_rows)


def footer(path: Path) -> parquet.FileMetaData:
    """Return a Parquet file's footer.

    Raises:
        RawError: the file is corrupt.
    """
    try:
        return parquet.read_metadata(path)
    except (pa.ArrowException, OSError) as error:
        raise corrupt(path, error) from error


def corrupt(path: Path, error: Exception) -> RawError:
    """Return the error for a raw file that cannot be read."""
    reason = str(error).splitlines()[0]
    return RawError(
        f"{path}: cannot be read as Parquet ({reason}); delete the folder "
        f"{path.parents[1]} and run again to build it anew from the event log"
    )


def _merge(parts: Sequence[EventFile]) -> EventFile:
    first, last = parts[0], parts[-1]
    merged = EventFile.named(first.path.parent, first.partition, first.start, last.end)
    write_whole(merged.path, lambda path: _write_merged(path, parts))
    for part in parts:
        part.path.unlink()
    return merged


def _write_merged(path: Path, parts: Sequence[EventFile]) -> None:
    """Copy batch by batch, in row groups of a chunk, so that memory stays bounded."""
    count = sum(removed_in(footer(part.path).metadata) for part in parts)
    write_batches(path, _batches(parts), count)


def write_batches(path: Path, batches: Iterable[pa.RecordBatch], removed: int) -> None:
    """Write batches of rows into one file of which so many records are gone."""
    schema = with_removed(EVENTS.empty_table(), removed).schema
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        held: list[pa.RecordBatch] = []
        for batch in batches:
            held.append(batch)
            if sum(b.num_rows for b in held) >= CHUNK_RECORDS:
                writer.write_table(_table(held, schema))
                held = []
        writer.write_table(_table(held, schema))


def _table(batches: Sequence[pa.RecordBatch], schema: pa.Schema) -> pa.Table:
    """Return the batches as one table; their own files' notes are left out."""
    plain = [batch.replace_schema_metadata(schema.metadata) for batch in batches]
    return pa.Table.from_batches(plain, schema)


def _batches(parts: Sequence[EventFile]) -> Iterator[pa.RecordBatch]:
    for part in parts:
        try:
            with parquet.ParquetFile(part.path) as file:
                yield from file.iter_batches(batch_size=CHUNK_RECORDS)
        except (pa.ArrowException, OSError) as error:
            raise corrupt(part.path, error) from error
