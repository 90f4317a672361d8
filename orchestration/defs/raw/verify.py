"""Whether raw accounts for what was committed: each record once, in readable files."""

from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from orchestration.defs.raw.compaction import corrupt, footer
from orchestration.defs.raw.files import RawError, event_files, read_committed
from orchestration.defs.raw.removed import read_removed, removed_in


class _Counts(NamedTuple):
    rows: int
    records: int


def verify(raw: Path) -> dict[str, int]:
    """Compare the rows of each partition's files with its committed offset.

    Offsets count records from 0, so the rows and what was removed must add up to
    the offset; only the footers of the files are read.

    Returns:
        rows by partition.

    Raises:
        RawError: a file is corrupt or missing, or holds records twice.
    """
    events = raw / "events"
    gone = read_removed(events)
    rows, records = Counter[str](), Counter(gone.records)
    for file in event_files(events):
        if str(file.path.relative_to(events)) not in gone.files:
            there = _counts(file.path)
            rows[file.partition] += there.rows
            records[file.partition] += there.records
    _require_equal(events, records, read_committed(events))
    return dict(rows)


def _counts(path: Path) -> _Counts:
    """Return what a file's footer tells; of a file that it has seen, from memory."""
    try:
        found = path.stat()
    except OSError as error:
        raise corrupt(path, error) from error
    return _footer(path, found.st_ino, found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=100_000)
def _footer(path: Path, *_version: int) -> _Counts:
    """Read a file's footer; files are replaced whole, so a version's never changes."""
    found = footer(path)
    rows = int(found.num_rows)
    return _Counts(rows, rows + removed_in(found.metadata))


def _require_equal(
    events: Path, records: Mapping[str, int], committed: Mapping[str, int]
) -> None:
    for partition in sorted(records.keys() | committed.keys()):
        there, due = records.get(partition, 0), committed.get(partition, 0)
        if there != due:
            raise RawError(
                f"{events}: partition {partition!r} has {there} rows of {due} records "
                f"drained: a file is missing or was changed; delete {events} and run "
                "again to build it anew from the event log"
            )
