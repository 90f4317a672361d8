"""The ids of the last 24 hours, by which a duplicate is known at the door.

Digests of 16 bytes. The newest lie in a set; each hour, or at ``RUN_IDS``, that set is
closed into a run: a sorted array, written to a file that never changes and dropped 24
hours after its newest id. A table of bytes says of most new ids, with one look, that
no run has them.

Memory: 16 bytes an id of a run, about 90 an id of the set, 8 an id and 64 MB at most
for the table. At 10 M events a day: 167 + 23 + 64 MB, and as much again as the table
for as long as a set is being closed.
"""

import logging
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.collector.live.runs import Run, halves, load_runs, sorted_run, store_run

WINDOW_SECONDS = 24 * 3600
RUN_IDS = 250_000
"""Closing so many takes 40 ms of another thread, 5 of them of this one."""
RUN_SECONDS = 3600
MAX_IDS = 20_000_000
"""320 MB; beyond, the oldest run goes early, which is counted."""
MAX_TABLE_BITS = 26
"""64 MB; at 10 M ids one new id in seven has to be looked for in the runs."""

_log = logging.getLogger(__name__)


class _Closed(NamedTuple):
    """What is replaced at once when a run comes or goes."""

    runs: tuple[Run, ...]
    table: NDArray[np.uint8]
    """1 where the low bits of some run's id point."""


class Window:
    """The ids of the last 24 hours up to ``end``, the next offset; one thread's."""

    def __init__(self, folder: Path) -> None:
        """Load the runs that lie in the folder; what follows them is to be added."""
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        runs = load_runs(folder)
        self._closed = _Closed(runs, _table(runs))
        self._open: set[bytes] = set()
        self._closing: set[bytes] = set()
        self._open_from: int | None = runs[-1].end if runs else None
        self._first_at = 0.0
        self._last_at = 0.0
        self._end = self._open_from or 0
        self.evicted = 0
        """Ids that went early, since there were more than ``MAX_IDS``."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="dedup")
        self._pending: Future[None] | None = None
        self._swap = threading.Lock()

    @property
    def end(self) -> int | None:
        """Return the next offset to add; none where no run says from where on."""
        return None if self._open_from is None else self._end

    def __len__(self) -> int:
        return (
            len(self._open)
            + len(self._closing)
            + sum(len(run) for run in self._closed.runs)
        )

    def known(self, digests: Sequence[bytes]) -> set[bytes]:
        """Return those of the digests that the window holds."""
        with self._swap:
            closed, closing = self._closed, self._closing
        found = self._open.intersection(digests)
        if closing:
            found |= closing.intersection(digests)
        if closed.runs:
            found |= _in_runs(closed, digests)
        return found

    def clear(self) -> None:
        """Forget all, on disk too."""
        for run in self._closed.runs:
            run.path(self._folder).unlink(missing_ok=True)
        self._closed = _Closed((), _table(()))
        self._open, self._open_from, self._end = set(), None, 0

    def begin(self, offset: int) -> None:
        """Take in what follows from an offset on, where no run says so."""
        self._open_from = self._end = offset

    def add(self, digests: Sequence[bytes], at: float, end: int) -> None:
        """Take in ids received at a moment (seconds since 1970), up to an offset."""
        if not self._open:
            self._first_at = at
        self._open.update(digests)
        self._last_at = max(self._last_at, at)
        self._end = end
        is_old = self._open and at - self._first_at >= RUN_SECONDS
        if is_old or len(self._open) >= RUN_IDS:
            self._close_run()

    def close(self) -> None:
        """Let a run that is being written be finished."""
        self._thread.shutdown(wait=True)

    def _close_run(self) -> None:
        if self._pending is not None:
            self._pending.result()
        with self._swap:
            self._closing, self._open = self._open, set()
        start, self._open_from = self._open_from or 0, self._end
        bounds = (start, self._end, self._first_at, self._last_at)
        self._pending = self._thread.submit(self._make_run, *bounds)

    def _make_run(self, start: int, end: int, first_at: float, last_at: float) -> None:
        run = sorted_run(self._closing, start, end, first_at, last_at)
        runs = (*self._closed.runs, run)
        kept = tuple(r for r in runs if r.last_at >= last_at - WINDOW_SECONDS)
        while len(kept) > 1 and sum(map(len, kept)) > MAX_IDS:
            self.evicted += len(kept[0])
            kept = kept[1:]
        closed = _Closed(kept, _table(kept))
        with self._swap:
            self._closed, self._closing = closed, set()
        try:
            store_run(self._folder, run)
            for gone in set(runs) - set(kept):
                gone.path(self._folder).unlink(missing_ok=True)
        except OSError as error:
            # The log has the ids; only the next start has more of it to read.
            _log.warning("ids of the last day are not kept on disk: %s", error)


def _in_runs(closed: _Closed, digests: Sequence[bytes]) -> set[bytes]:
    firsts, seconds = halves(b"".join(digests))
    mask = np.uint64(len(closed.table) - 1)
    suspects = np.flatnonzero(closed.table[firsts & mask])
    if not len(suspects):
        return set()
    firsts, seconds = firsts[suspects], seconds[suspects]
    held = np.zeros(len(suspects), np.bool_)
    for run in closed.runs:
        held |= run.holds(firsts, seconds)
    return {digests[index] for index in suspects[held]}


def _table(runs: Sequence[Run]) -> NDArray[np.uint8]:
    """Return the table, eight times as long as the ids are many, within limits."""
    count = sum(map(len, runs))
    bits = min(max((8 * count).bit_length(), 16), MAX_TABLE_BITS)
    table = np.zeros(1 << bits, np.uint8)
    mask = np.uint64(len(table) - 1)
    for run in runs:
        table[run.ids[0] & mask] = 1
    return table
