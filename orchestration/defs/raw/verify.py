"""Whether raw accounts for what was committed: each record once, in readable files."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from orchestration.defs.raw.compaction import row_count
from orchestration.defs.raw.files import RawError, event_files, read_committed
from orchestration.defs.raw.removed import read_removed, record_count


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
            rows[file.partition] += row_count(file.path)
            records[file.partition] += record_count(file.path)
    _require_equal(events, records, read_committed(events))
    return dict(rows)


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
