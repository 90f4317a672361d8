"""How much room is left where the log lies, growth since the last look included."""

import errno
import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

LOOK_SECONDS = 0.1
"""Others write too, so the file system itself is asked this often."""

NO_ROOM_BYTES = 1 << 20
"""With less, SQLite cannot open a database that has a log of its own; it then tells of
an input or output error, not of a full disk."""
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def is_full(error: BaseException, folder: Path) -> bool:
    """Tell whether something failed because a disk is full.

    Args:
        error: What was raised, with what it was raised from.
        folder: A folder that there may not be yet, on the disk that is looked at.
    """
    return any(map(_says_full, _causes(error))) or _has_no_room(folder)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _says_full(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno in _FULL
    code = getattr(error, "sqlite_errorcode", None)
    return code == sqlite3.SQLITE_FULL


def _has_no_room(folder: Path) -> bool:
    there = next(one for one in (folder, *folder.resolve().parents) if one.exists())
    told = os.statvfs(there)
    has_no_files = bool(told.f_files) and not told.f_favail
    return has_no_files or told.f_bavail * told.f_frsize < NO_ROOM_BYTES


class DiskGuard:
    """Free space, less what was taken in since it was measured."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._looked_at = float("-inf")
        self._free = 0
        self._taken = 0

    def free(self, taken: int, waiting: int) -> int:
        """Return the bytes that are free once all that was taken is written.

        Args:
            taken: How many bytes were ever taken in, written or not.
            waiting: How many of them are not written yet.
        """
        now = time.monotonic()
        if now - self._looked_at >= LOOK_SECONDS:
            self._looked_at = now
            self._free = shutil.disk_usage(self._folder).free - waiting
            self._taken = taken
        return self._free - (taken - self._taken)
