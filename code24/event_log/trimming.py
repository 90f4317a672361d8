"""Removing old segments: whole ones, from the start, after what reads them has."""

import os
from pathlib import Path

from code24.event_log import files


def trim(folder: Path, partition: str, before: int) -> int:
    """Remove the segments all of whose records lie before an offset; return how many.

    The newest segment stays, whoever writes it. The new start is made durable before
    anything goes, so that a missing segment is told from a removed one.

    Args:
        folder: The log's folder.
        partition: The partition's name; one that does not exist is empty.
        before: The first offset that must be kept.
    """
    place = files.partition_folder(folder, partition)
    found = files.segments(place)
    starts = [files.first_offset(path) for path in found]
    old = [
        path
        for path, following in zip(found, starts[1:], strict=False)
        if following <= before
    ]
    if old:
        _write_start(place, starts[len(old)])
    for path in old:
        path.unlink()
    return len(old)


def _write_start(place: Path, start: int) -> None:
    temporary = place / f".{files.START}.tmp"
    with temporary.open("w", encoding="ascii") as file:
        file.write(f"{start}\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(place / files.START)
    files.sync_folder(place)
