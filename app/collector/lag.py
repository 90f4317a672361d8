"""How far the warehouse's raw files are behind the log: records, and seconds."""

import time
from bisect import bisect_right
from pathlib import Path
from typing import NamedTuple

import msgspec

from code24 import event_log
from code24.contracts.event import LogRecord
from code24.errors import Code24Error

MARK_SECONDS = 1.0
MAX_MARKS = 100_000
"""A day and more, 2 MB; of what lies longer the oldest mark's age is told."""


class Lag(NamedTuple):
    """What is in the log and not in raw yet."""

    records: int
    seconds: float
    """How long the oldest of them has been there, to about a second; 0 for none."""


class LagMeter:
    """Remembers when records came, so that the oldest that waits has an age."""

    def __init__(self, log: Path, committed: Path, partition: str) -> None:
        """Prepare; ``committed`` is the drain's file of how far it has got."""
        self._log = log
        self._committed = committed
        self._partition = partition
        self._offsets: list[int] = []
        self._times: list[float] = []
        self._found: tuple[int, float] = (-1, 0.0)

    def mark(self, offset: int, at: float) -> None:
        """Note that records from this offset on came from this moment on."""
        if self._times and at - self._times[-1] < MARK_SECONDS:
            return
        self._offsets.append(offset)
        self._times.append(at)
        if len(self._times) > MAX_MARKS:
            del self._offsets[: MAX_MARKS // 2], self._times[: MAX_MARKS // 2]

    def measure(self, end: int) -> Lag:
        """Return the lag of a log that ends at this offset."""
        drained = min(_read(self._committed).get(self._partition, 0), end)
        if drained == end:
            return Lag(0, 0.0)
        return Lag(end - drained, max(time.time() - self._came_at(drained), 0.0))

    def _came_at(self, offset: int) -> float:
        index = bisect_right(self._offsets, offset) - 1
        if index >= 0:
            return self._times[index]
        if self._found[0] != offset:
            self._found = (offset, self._logged_at(offset))
        return self._found[1]

    def _logged_at(self, offset: int) -> float:
        """Read the time of a record that came before the last start."""
        try:
            return received_at(self._log, self._partition, offset)
        except Code24Error:
            return self._times[0] if self._times else time.time()


def received_at(log: Path, partition: str, offset: int) -> float:
    """Return when a record of the log was received, seconds since 1970.

    Raises:
        EventLogError: the log is damaged, or does not hold it.
        Code24Error: the record is none of an event.
    """
    for record in event_log.read(log, partition, offset, 1):
        try:
            logged = msgspec.json.decode(record.payload, type=LogRecord)
        except msgspec.MsgspecError as error:
            raise Code24Error(f"{partition} {offset}: {error}") from error
        return logged.received_at.timestamp()
    raise Code24Error(f"{partition} {offset}: the log does not hold it")


def _read(committed: Path) -> dict[str, int]:
    try:
        return msgspec.json.decode(committed.read_bytes(), type=dict[str, int])
    except (OSError, msgspec.MsgspecError):
        return {}
