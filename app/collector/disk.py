"""How much room is left where the log lies, growth since the last look included."""

import shutil
import time
from pathlib import Path

LOOK_SECONDS = 0.1
"""Others write too, so the file system itself is asked this often."""


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
