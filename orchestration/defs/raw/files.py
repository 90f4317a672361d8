"""The files of ``raw/``: names, lists, writing them whole or not at all."""

import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, Self

import msgspec

from code24.errors import Code24Error

COMMITTED = "committed.json"
LOCK = ".lock"
"""Held by the one process that changes the files of raw events."""
EMPTY = "received_date=1970-01-01/empty.parquet"
_NAME = re.compile(r"(?P<partition>[a-z0-9-]+)-(?P<start>\d{12})-(?P<end>\d{12})")


class RawError(Code24Error):
    """A raw file is missing, corrupt or not what its name says."""


class EventFile(NamedTuple):
    """One file of raw events: the log's records ``start`` to ``end``, one date's."""

    path: Path
    partition: str
    start: int
    end: int
    """Exclusive."""

    @classmethod
    def named(cls, folder: Path, partition: str, start: int, end: int) -> Self:
        """Return the file of a date's folder that covers these offsets."""
        name = f"{partition}-{start:012d}-{end:012d}.parquet"
        return cls(folder / name, partition, start, end)

    @classmethod
    def parse(cls, path: Path) -> Self:
        """Read partition and offsets out of the name.

        Raises:
            RawError: the name is not one that the drain gives.
        """
        found = _NAME.fullmatch(path.stem)
        if found is None:
            raise RawError(
                f"{path}: not named <partition>-<from>-<to>.parquet, so it did not "
                "come from the event log; move it away"
            )
        start, end = int(found["start"]), int(found["end"])
        return cls(path, found["partition"], start, end)


def event_files(events: Path) -> list[EventFile]:
    """List the files of raw events, by date, partition and offset."""
    found = sorted(events.glob("received_date=*/*.parquet"))
    return [EventFile.parse(path) for path in found if path != events / EMPTY]


def superseded(files: Iterable[EventFile]) -> Iterator[EventFile]:
    """Find the files whose records are all in another file of the same date."""
    reached = EventFile(Path(), "", 0, 0)
    for file in sorted(
        files, key=lambda f: (f.path.parent, f.partition, f.start, -f.end)
    ):
        is_sibling = (file.path.parent, file.partition) == (
            reached.path.parent,
            reached.partition,
        )
        if is_sibling and file.end <= reached.end:
            yield file
        else:
            reached = file


def unfinished(folder: Path) -> Iterator[Path]:
    """Find what a killed writer left half written."""
    return folder.rglob(".*.tmp")


def read_committed(events: Path) -> dict[str, int]:
    """Return, for each partition, the next offset to drain.

    Raises:
        RawError: the file is there, but is not what the drain writes.
    """
    path = events / COMMITTED
    if not path.exists():
        return {}
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, int])
    except msgspec.MsgspecError as error:
        raise RawError(
            f"{path}: {error}; delete the folder {events} and run again to build it "
            "anew from the event log"
        ) from error


def write_committed(events: Path, committed: dict[str, int]) -> None:
    """Commit: what lies before these offsets is in raw, once and for good."""
    content = msgspec.json.encode(committed, order="sorted")
    write_whole(events / COMMITTED, lambda path: _write_bytes(path, content))


def write_whole(path: Path, write: Callable[[Path], None]) -> None:
    """Have ``write`` fill a file beside ``path``, then put it there, durably."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    write(temporary)
    sync(temporary)
    temporary.replace(path)
    sync(path.parent)


def sync(path: Path) -> None:
    """Force a file or folder to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_bytes(path: Path, content: bytes) -> None:
    path.write_bytes(content)
