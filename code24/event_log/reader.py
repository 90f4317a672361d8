"""Reading: without a lock, while a writer appends, up to the durable end."""

import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, NamedTuple

from code24.event_log.files import (
    EventLogError,
    end_offset,
    first_offset,
    partition_folder,
    segments,
)
from code24.event_log.frames import HEADER_BYTES, next_payload, skip_payload

READ_AHEAD_BYTES = 1024 * 1024
_READ_ATTEMPTS = 20
_READ_AGAIN_SECONDS = 0.005
"""Redacting a record takes microseconds; damage is told after a tenth of a second."""


class Record(NamedTuple):
    """One record of a partition."""

    offset: int
    payload: bytes


def read(
    folder: Path, partition: str, start: int, limit: int | None = None
) -> Iterator[Record]:
    """Yield records from ``start`` up to the durable end at the time of the call.

    Args:
        folder: The log's folder.
        partition: The partition's name; one that does not exist is empty.
        start: The first offset wanted.
        limit: How many records to yield at most; all where absent.

    Raises:
        EventLogError: the log is shorter than ``start``, a segment is missing or a
            record is damaged; names the file and the byte.
    """
    end = end_offset(folder, partition)
    place = partition_folder(folder, partition)
    if not 0 <= start <= end:
        raise EventLogError(
            f"{place}: asked from offset {start}, but the log ends at {end}; "
            "restore the log that belongs to these offsets"
        )
    stop = end if limit is None else min(end, start + limit)
    return _read(place, start, stop)


def _read(place: Path, start: int, stop: int) -> Iterator[Record]:
    found = segments(place)
    bounds = [*(first_offset(path) for path in found), stop]
    position = start
    for path, (first, following) in zip(found, pairwise(bounds), strict=True):
        if first <= position < min(following, stop):
            last = min(following, stop)
            yield from _read_segment(path, first, position, last)
            position = last
    if position < stop:
        raise EventLogError(
            f"{place}: no segment holds offset {position}, though the log goes on to "
            f"{stop}; restore the missing file from a backup"
        )


def _read_segment(path: Path, first: int, start: int, stop: int) -> Iterator[Record]:
    with path.open("rb", buffering=READ_AHEAD_BYTES) as file:
        position = _skip(file, path, first, min(start, stop))
        for offset in range(max(first, start), stop):
            payload = next_payload(file)
            if payload is None:
                payload = _read_again(path, position)
                if payload is None:
                    raise _damaged(path, position, offset)
                file.seek(position + HEADER_BYTES + len(payload))
            position += HEADER_BYTES + len(payload)
            yield Record(offset, payload)


def _read_again(path: Path, position: int) -> bytes | None:
    """Read a record anew that may have been met while it was being redacted."""
    for _ in range(_READ_ATTEMPTS):
        time.sleep(_READ_AGAIN_SECONDS)
        with path.open("rb") as file:
            file.seek(position)
            payload = next_payload(file)
        if payload is not None:
            return payload
    return None


def _skip(file: BinaryIO, path: Path, first: int, start: int) -> int:
    """Pass over records that are not wanted, unchecked; return the file's position."""
    position = 0
    for offset in range(first, start):
        length = skip_payload(file)
        if length is None:
            raise _damaged(path, position, offset)
        position += HEADER_BYTES + length
    return position


def _damaged(path: Path, position: int, offset: int) -> EventLogError:
    return EventLogError(
        f"{path}: damaged at byte {position} (offset {offset}); "
        "restore the file from a backup"
    )
