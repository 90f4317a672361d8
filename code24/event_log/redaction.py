"""Removing records in place: an erased record becomes a tombstone of the same length.

Offsets and byte positions stay what they are, so a tombstone can be written into the
segment that a writer appends to meanwhile: only durable bytes are touched, which no
writer goes back to. What is about to be written stands in a journal first, so that a
process killed in the middle of it leaves no damaged record: whoever next opens the
partition for writing, or redacts it, finishes. A reader that meets a record half
written reads it again (``reader``).
"""

import fcntl
import mmap
import os
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from code24.event_log import files
from code24.event_log.files import EventLogError
from code24.event_log.frames import HEADER_BYTES, frame, payload_length

JOURNAL = "redaction"
LOCK = "redaction.lock"
"""Held by who redacts; a writer takes it while it looks for a torn tail."""

Decide = Callable[[bytes], bytes | None]
"""Gives what shall stand in a payload's place, not longer than it; none keeps it."""


class _Change(NamedTuple):
    position: int
    length: int
    """Of the payload."""
    content: str


class _Wanted(NamedTuple):
    """Which records of a segment are asked for."""

    start: int
    last: int
    """Exclusive."""
    needles: Sequence[bytes]
    offsets: Sequence[int] | None

    @property
    def is_any(self) -> bool:
        if self.offsets is None:
            return self.start < self.last
        return _is_between(self.offsets, self.start, self.last)


class _Journal(msgspec.Struct):
    segment: str
    changes: list[_Change]


def redact(
    folder: Path,
    partition: str,
    decide: Decide,
    *,
    needles: Sequence[bytes] = (),
    offsets: Sequence[int] | None = None,
    start: int = 0,
) -> int:
    """Replace records that are durable at the time of the call; return how many.

    Args:
        folder: The log's folder.
        partition: The partition's name; one that does not exist is empty.
        decide: Asked for each record; what it gives is padded with spaces to the
            record's length.
        needles: Where given, only records that contain one of these are asked for;
            segments without one cost a search of their bytes.
        offsets: Where given, in order, only these records are asked for; segments
            without one cost nothing.
        start: The first offset that may change.

    Raises:
        EventLogError: a record is damaged, or what shall stand in its place is longer.
    """
    place = files.partition_folder(folder, partition)
    end = files.end_offset(folder, partition)
    changed = 0
    found = files.segments(place)
    for path, following in zip(found, [*found[1:], None], strict=True):
        last = end if following is None else min(end, files.first_offset(following))
        wanted = _Wanted(max(start, files.first_offset(path)), last, needles, offsets)
        if wanted.is_any:
            changed += _redact_segment(path, wanted, decide)
    return changed


@contextmanager
def redacting(place: Path) -> Iterator[None]:
    """Keep others from redacting the partition, after finishing what one left."""
    lock = os.open(place / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _finish(place)
        yield
    finally:
        os.close(lock)


def _redact_segment(path: Path, wanted: _Wanted, decide: Decide) -> int:
    with redacting(path.parent):
        changes = list(_changes(path, wanted, decide))
        if changes:
            _write_journal(path, changes)
            _finish(path.parent)
    return len(changes)


def _changes(path: Path, wanted: _Wanted, decide: Decide) -> Iterator[_Change]:
    if path.stat().st_size == 0:
        return
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
    ):
        for position, length in _asked_for(path, data, wanted):
            instead = decide(data[position : position + length])
            if instead is not None:
                yield _change(path, position, length, instead)


def _asked_for(
    path: Path, data: mmap.mmap, wanted: _Wanted
) -> Iterator[tuple[int, int]]:
    """Yield position and length of each payload that is asked for."""
    hits = _hits(data, wanted.needles) if wanted.needles else None
    if hits == []:
        return
    asked = None if wanted.offsets is None else frozenset(wanted.offsets)
    for offset, position, length in _frames(path, data, wanted.start, wanted.last):
        is_asked = asked is None or offset in asked
        if is_asked and (
            hits is None or _is_between(hits, position, position + length)
        ):
            yield position, length


def _hits(data: mmap.mmap, needles: Sequence[bytes]) -> list[int]:
    """Return where any of the needles starts, in order."""
    hits: list[int] = []
    for needle in needles:
        position = data.find(needle)
        while position >= 0:
            hits.append(position)
            position = data.find(needle, position + 1)
    return sorted(hits)


def _is_between(sorted_numbers: Sequence[int], low: int, high: int) -> bool:
    """Tell whether one of the numbers is at least ``low`` and below ``high``."""
    return bisect_left(sorted_numbers, low) < bisect_left(sorted_numbers, high)


def _frames(
    path: Path, data: mmap.mmap, start: int, last: int
) -> Iterator[tuple[int, int, int]]:
    """Yield offset, position and length of each payload from ``start`` on."""
    position = 0
    for offset in range(files.first_offset(path), last):
        if position + HEADER_BYTES > len(data):
            raise _damaged(path, position, offset)
        length = payload_length(data, position)
        position += HEADER_BYTES
        if not 0 < length <= len(data) - position:
            raise _damaged(path, position - HEADER_BYTES, offset)
        if offset >= start:
            yield offset, position, length
        position += length


def _damaged(path: Path, position: int, offset: int) -> EventLogError:
    return EventLogError(
        f"{path}: damaged at byte {position} (offset {offset}); "
        "restore the file from a backup"
    )


def _change(path: Path, position: int, length: int, instead: bytes) -> _Change:
    if len(instead) > length:
        raise EventLogError(
            f"{path}: the record at byte {position} has {length} bytes, "
            f"{len(instead)} cannot stand in its place"
        )
    return _Change(position, length, instead.decode())


def _write_journal(path: Path, changes: Sequence[_Change]) -> None:
    """Say durably what is about to be written; it holds nothing of what was there."""
    content = msgspec.json.encode(_Journal(path.name, list(changes)))
    temporary = path.with_name(f".{JOURNAL}.tmp")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path.with_name(JOURNAL))
    files.sync_folder(path.parent)


def _finish(place: Path) -> None:
    """Write what the journal says, again where it was begun, and remove it."""
    path = place / JOURNAL
    if not path.exists():
        return
    journal = msgspec.json.decode(path.read_bytes(), type=_Journal)
    segment = os.open(place / journal.segment, os.O_WRONLY)
    try:
        for position, length, content in journal.changes:
            framed = frame(content.encode().ljust(length))
            os.pwrite(segment, framed, position - HEADER_BYTES)
        os.fdatasync(segment)
    finally:
        os.close(segment)
    path.unlink()
    files.sync_folder(place)
