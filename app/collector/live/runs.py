"""Runs of ids: sorted arrays, each in a file that is written whole and never changed.

A file is not synced: one that a power cut damages is left out, with those that follow
it, and the log is read again from where it began.
"""

import logging
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.uint64]

_NAME = re.compile(
    r"(?P<start>\d{20})-(?P<end>\d{20})-(?P<first>\d+\.\d{3})-(?P<last>\d+\.\d{3})\.npy"
)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """The ids of the records ``start`` to ``end`` of the log, sorted by first half."""

    ids: Ids
    """Shape (2, n): first halves and second halves, each in one piece of memory."""
    start: int
    end: int
    first_at: float
    last_at: float
    """When the newest was received, seconds since 1970."""

    def __len__(self) -> int:
        return int(self.ids.shape[1])

    def holds(self, firsts: Ids, seconds: Ids) -> NDArray[np.bool_]:
        """Say of each id, given as halves, whether the run has it."""
        own_firsts, own_seconds = self.ids
        index = own_firsts.searchsorted(firsts)
        found = np.zeros(len(firsts), np.bool_)
        while True:
            is_here = index < len(own_firsts)
            place = np.where(is_here, index, 0)
            is_here &= own_firsts[place] == firsts
            if not is_here.any():
                return found
            found |= is_here & (own_seconds[place] == seconds)
            index = index + 1

    def path(self, folder: Path) -> Path:
        """Return the file that holds, or would hold, the run."""
        times = f"{self.first_at:.3f}-{self.last_at:.3f}"
        return folder / f"{self.start:020d}-{self.end:020d}-{times}.npy"


def sorted_run(
    digests: Collection[bytes], start: int, end: int, first_at: float, last_at: float
) -> Run:
    """Return the run of these ids."""
    firsts, seconds = halves(b"".join(digests))
    order = firsts.argsort()
    return Run(np.stack((firsts[order], seconds[order])), start, end, first_at, last_at)


def halves(digests: bytes) -> Ids:
    """Return digests that stand one after another as first and second halves."""
    return np.frombuffer(digests, np.uint64).reshape(-1, 2).T


def store_run(folder: Path, run: Run) -> None:
    """Write a run whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    path = run.path(folder)
    temporary = path.with_suffix(".tmp")
    with temporary.open("wb") as file:
        np.save(file, run.ids)
    temporary.replace(path)


def load_runs(folder: Path) -> tuple[Run, ...]:
    """Load the runs, oldest first, up to a gap or a damaged one; remove the rest."""
    runs: list[Run] = []
    paths = sorted(folder.glob("*.npy"))
    for index, path in enumerate(paths):
        run = _load(path)
        if run is None or (runs and run.start != runs[-1].end):
            _log.warning("%s: damaged or after a gap, read from the log again", path)
            for rest in paths[index:]:
                rest.unlink()
            break
        runs.append(run)
    for left in folder.glob("*.tmp"):
        left.unlink()
    return tuple(runs)


def _load(path: Path) -> Run | None:
    found = _NAME.fullmatch(path.name)
    if found is None:
        return None
    try:
        ids = np.load(path)
    except (OSError, ValueError, EOFError):
        return None
    if ids.ndim != 2 or ids.shape[0] != 2 or ids.dtype != np.uint64:
        return None
    bounds = (int(found["start"]), int(found["end"]))
    return Run(ids, *bounds, float(found["first"]), float(found["last"]))
