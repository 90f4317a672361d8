"""Raw Parquet: files that hold rows of the subject are written anew without them."""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
from pyarrow import compute, parquet

from code24.privacy.subject import Subject
from orchestration.defs.privacy.rows import matching
from orchestration.defs.privacy.store import Counts, Home, Store
from orchestration.defs.raw.compaction import corrupt, row_count, write_batches
from orchestration.defs.raw.drain import CHUNK_RECORDS
from orchestration.defs.raw.files import (
    LOCK,
    EventFile,
    event_files,
    unfinished,
    write_whole,
)
from orchestration.defs.raw.removed import record_count
from orchestration.locks import exclusive


def find(home: Home, subject: Subject) -> Counts:
    """Count the subject's rows, and the files that hold them."""
    found = _rows(home.settings.raw / "events", subject)
    return {"rows": sum(map(len, found.values())), "files": len(found)}


def erase(home: Home, subject: Subject) -> Counts:
    """Write those files anew, each replaced at once."""
    events = home.settings.raw / "events"
    with exclusive(events / LOCK):
        for path in unfinished(events):
            path.unlink()
        found = _rows(events, subject)
        for path, offsets in found.items():
            without(path, offsets)
    return {"rows": sum(map(len, found.values())), "files": len(found)}


def without(path: Path, offsets: set[int]) -> None:
    """Write a file anew without the rows of these offsets, and count them removed."""
    removed = record_count(path) - row_count(path) + len(offsets)
    gone = pa.array(sorted(offsets), pa.int64())

    def kept() -> Iterator[pa.RecordBatch]:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=CHUNK_RECORDS):
                is_gone = compute.is_in(batch["log_offset"], value_set=gone)
                yield batch.filter(compute.invert(is_gone))

    write_whole(path, lambda new: write_batches(new, kept(), removed))


def _rows(events: Path, subject: Subject) -> dict[Path, set[int]]:
    """Return the offsets of the subject's rows by file."""
    found: dict[Path, set[int]] = defaultdict(set)
    with duckdb.connect() as connection:
        for file in event_files(events):
            keys = _matching(connection, file, subject)
            if keys:
                found[file.path] = keys
    return found


def _matching(
    connection: duckdb.DuckDBPyConnection, file: EventFile, subject: Subject
) -> set[int]:
    name = str(file.path).replace("'", "''")
    relation = f"read_parquet('{name}', hive_partitioning = false)"
    try:
        return {key.offset for key in matching(connection, relation, subject)}
    except duckdb.Error as error:
        raise corrupt(file.path, error) from error


STORE = Store("raw", 60, "rows of raw Parquet files", find, erase)
