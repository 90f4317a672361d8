"""Records that the log counts and raw no longer holds: erased, or kept no longer.

Offsets count every record, so raw must account for each: a file says in its footer
how many of its records were removed, and ``removed.json`` says it of whole files that
are gone. What is removed with them is one step: the file is replaced at once, and
``removed.json`` names the files that it counts until they are gone.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec
import pyarrow as pa
from pyarrow import parquet

from orchestration.defs.raw.files import EventFile, RawError, write_whole

REMOVED = "removed.json"
_KEY = b"code24.removed"


class Removed(msgspec.Struct):
    """What ``removed.json`` holds."""

    records: dict[str, int] = {}
    """By partition: records of files that are gone, and of before the log's start."""
    files: list[str] = []
    """Files below ``events`` that are counted already and still to be deleted."""


def with_removed(table: pa.Table, count: int) -> pa.Table:
    """Return the table with the note that so many records of its file are gone."""
    return table.replace_schema_metadata({_KEY: str(count)} if count else None)


def removed_in(metadata: Mapping[bytes, bytes] | None) -> int:
    """Return how many records of a file, or of a schema, are gone."""
    return int((metadata or {}).get(_KEY, b"0"))


def record_count(path: Path) -> int:
    """Return how many records of the log a file accounts for, by its footer alone."""
    footer = parquet.read_metadata(path)
    return int(footer.num_rows) + removed_in(footer.metadata)


def read_removed(events: Path) -> Removed:
    """Return what is gone with whole files.

    Raises:
        RawError: the file is there, but is not what is written here.
    """
    path = events / REMOVED
    if not path.exists():
        return Removed()
    try:
        return msgspec.json.decode(path.read_bytes(), type=Removed)
    except msgspec.MsgspecError as error:
        raise RawError(
            f"{path}: {error}; delete the folder {events} and run again to build it "
            "anew from the event log"
        ) from error


def write_removed(events: Path, removed: Removed) -> None:
    """Replace ``removed.json``, durably."""
    content = msgspec.json.encode(removed, order="sorted")
    write_whole(events / REMOVED, lambda path: _write(path, content))


def count_before_start(events: Path, partition: str, start: int) -> None:
    """Note that raw, built anew, starts where the log does: at this offset."""
    removed = read_removed(events)
    removed.records[partition] = start
    write_removed(events, removed)


def remove_files(events: Path, files: Iterable[EventFile]) -> None:
    """Delete whole files and count their records; killed, ``finish`` goes on."""
    removed = read_removed(events)
    for file in files:
        count = removed.records.get(file.partition, 0) + record_count(file.path)
        removed.records[file.partition] = count
        removed.files.append(str(file.path.relative_to(events)))
    write_removed(events, removed)
    finish(events)


def finish(events: Path) -> None:
    """Delete the files that are counted already."""
    removed = read_removed(events)
    if not removed.files:
        return
    for name in removed.files:
        (events / name).unlink(missing_ok=True)
    write_removed(events, Removed(removed.records))


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
