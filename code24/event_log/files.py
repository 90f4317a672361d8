"""The files of a partition: segments, the lock, and how far the log is durable.

``<first offset, 20 digits>.seg`` holds records; the suffix is the version of their
format. ``durable`` holds the offset after the last record known to be on disk. It is
written after each sync and never ahead of one, so what lies beyond it may be torn and
is not read.
"""

import os
import re
import struct
import time
from pathlib import Path
from zlib import crc32

from code24.errors import Code24Error

SUFFIX = ".seg"
DURABLE = "durable"
START = "start"
"""Holds the first offset that is kept, once older segments were removed."""
LOCK = "lock"
_MARK = struct.Struct("<QI")
_READ_ATTEMPTS = 50
_PARTITION = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


class EventLogError(Code24Error):
    """The log cannot be read or written; names the file and the way out."""


def partition_folder(folder: Path, partition: str) -> Path:
    """Return where a partition lies below the log's folder.

    Raises:
        EventLogError: the name could not be a folder's on every system.
    """
    if not _PARTITION.fullmatch(partition):
        raise EventLogError(
            f"partition {partition!r}: a name is of a-z, 0-9 and -, at most 63 long"
        )
    return folder / partition


def partitions(folder: Path) -> list[str]:
    """Return the names of the partitions that a writer has opened, sorted."""
    return sorted(path.parent.name for path in folder.glob(f"*/{DURABLE}"))


def segment_path(partition: Path, first: int) -> Path:
    """Return the file that starts with the record of offset ``first``."""
    return partition / f"{first:020d}{SUFFIX}"


def first_offset(segment: Path) -> int:
    """Return the offset that a segment starts with, from its name.

    Raises:
        EventLogError: the file is no segment of ours.
    """
    if not segment.stem.isdigit():
        raise EventLogError(f"{segment}: not a segment's name; move the file away")
    return int(segment.stem)


def segments(partition: Path) -> list[Path]:
    """Return the partition's segments, oldest first."""
    return sorted(partition.glob(f"*{SUFFIX}"), key=first_offset)


def segment_starts(folder: Path, partition: str) -> list[int]:
    """Return the offsets that the partition's segments start with, oldest first."""
    found = segments(partition_folder(folder, partition))
    return [first_offset(segment) for segment in found]


def end_offset(folder: Path, partition: str) -> int:
    """Return the offset after the last durable record; 0 where nothing was written.

    The mark itself is made durable before it is told, so that a reader that commits
    this offset is never ahead of the log after a power cut.

    Raises:
        EventLogError: the mark is damaged.
    """
    path = partition_folder(folder, partition) / DURABLE
    try:
        mark = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return 0
    try:
        end = read_mark(mark, path)
        os.fdatasync(mark)
        return end
    finally:
        os.close(mark)


def start_offset(folder: Path, partition: str) -> int:
    """Return the first offset that the log still keeps; 0 where nothing was removed.

    Raises:
        EventLogError: the mark is damaged.
    """
    path = partition_folder(folder, partition) / START
    if not path.exists():
        return 0
    text = path.read_text(encoding="ascii").strip()
    if not text.isdecimal():
        raise EventLogError(
            f"{path}: {text[:40]!r} is no offset; write the first segment's into it"
        )
    return int(text)


def read_mark(mark: int, path: Path) -> int:
    """Read the durable end; again where a writer was seen in the middle of writing.

    Raises:
        EventLogError: the mark is damaged.
    """
    for _ in range(_READ_ATTEMPTS):
        data = os.pread(mark, _MARK.size, 0)
        if not data:
            return 0
        if len(data) == _MARK.size and crc32(data[:8]) == _MARK.unpack(data)[1]:
            return int(_MARK.unpack(data)[0])
        time.sleep(0.001)
    raise EventLogError(
        f"{path}: damaged; remove it and start the partition's writer, "
        "which finds the end from the segments"
    )


def write_mark(mark: int, end: int) -> None:
    """Write the durable end; it stands when the machine's next sync has run."""
    data = end.to_bytes(8, "little")
    os.pwrite(mark, data + crc32(data).to_bytes(4, "little"), 0)


def sync_folder(folder: Path) -> None:
    """Make the folder's entries durable: a synced file may lose its name without."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
