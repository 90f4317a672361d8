"""The live state at work: made good from the log, kept up, written down behind."""

import logging
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from app.collector.lag import LagMeter
from app.collector.live.checkpoint import Checkpoint, take_changes
from app.collector.live.follower import Follower
from app.collector.live.outbox import Outbox
from app.collector.live.sighting import Sighting, logged_sighting, sighting
from app.collector.live.state import LiveState
from app.collector.live.window import WINDOW_SECONDS, Window
from code24 import event_log, forgetting
from code24.contracts.event import LogRecord
from code24.event_log import Record
from code24.settings import Settings
from code24.state import State

CHECKPOINT_SECONDS = 2.0
"""What a start has to read again of the log, at most, and a failure of the disk."""
_BATCH = 5_000
_log = logging.getLogger(__name__)


class Sorted(NamedTuple):
    """A batch at the door: what is new, and how many records are not."""

    payloads: list[bytes]
    sightings: list[Sighting]
    duplicates: int


class Live:
    """What the committer asks before it writes, and tells after it has written."""

    def __init__(
        self,
        folder: Path,
        state: LiveState,
        window: Window,
        checkpoint: Checkpoint,
        outbox: Outbox,
        lag: LagMeter,
    ) -> None:
        self.state = state
        self.window = window
        self.trouble: str | None = None
        """Why nothing is counted any more until the next start; none while it is."""
        self.outbox = outbox
        self.lag = lag
        self._folder = folder
        self._checkpoint = checkpoint
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._write_behind, name="checkpoint", daemon=True
        )

    def sort_out(
        self, payloads: Sequence[bytes], records: Sequence[LogRecord]
    ) -> Sorted:
        """Part what is new from what was there in the last 24 hours, or is twice here.

        Nothing is remembered yet: only what was written is, by ``note``.
        """
        found = [sighting(record) for record in records]
        known = self.window.known([one.digest for one in found])
        fresh = Sorted([], [], 0)
        seen = known
        for payload, one in zip(payloads, found, strict=True):
            if one.digest not in seen:
                seen.add(one.digest)
                fresh.payloads.append(payload)
                fresh.sightings.append(one)
        return fresh._replace(duplicates=len(found) - len(fresh.payloads))

    def note(self, start: int, sightings: Sequence[Sighting]) -> None:
        """Take in records that are durable from an offset on."""
        if not sightings:
            return
        newest = max(one.received_at for one in sightings)
        digests = [one.digest for one in sightings]
        try:
            self.lag.mark(start, newest)
            self.window.add(digests, newest, start + len(sightings))
            if self.trouble is None:
                self.state.apply(start, sightings)
        except Exception as error:  # noqa: BLE001 - told in /health
            # What is durable must be acknowledged, whatever is wrong with us.
            self.trouble = f"counting broke off at record {start}: {error!r}"
            _log.exception("%s", self.trouble)

    def fit(self, log: Path) -> None:
        """Forget what is of another log: one that ends before the live state does.

        Raises:
            EventLogError: the log is damaged.
        """
        end = event_log.end_offset(log, self.state.partition)
        if max(self.state.offset, self.window.end or 0) > end:
            _log.warning("the log ends before the live state, which is made anew")
            self._checkpoint.discard()
            self.state.reset()
            self.window.clear()

    def recover(self, log: Path) -> None:
        """Read again what the log has beyond the window's runs and the checkpoint.

        Raises:
            EventLogError: the log is damaged.
        """
        state, partition = self.state, self.state.partition
        if self.window.end is None or not state.offset:
            oldest = _first_within(log, partition)
            state.offset = state.offset or oldest
            if self.window.end is None:
                self.window.begin(oldest)
        start = min(self.window.end or 0, state.offset)
        records = event_log.read(log, partition, start)
        while batch := list(islice(records, _BATCH)):
            self._replay(batch)

    def start(self) -> None:
        """Write the checkpoint again and again, behind what comes."""
        self._thread.start()

    def close(self) -> None:
        """Write the checkpoint a last time."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self._write()
        self.window.close()
        self._checkpoint.close()

    def _replay(self, batch: Sequence[Record]) -> None:
        found = [logged_sighting(record.payload) for record in batch]
        start, window_end = batch[0].offset, self.window.end or 0
        newest = max(one.received_at for one in found)
        if newest:
            self.lag.mark(start, newest)
        fresh = found[max(window_end - start, 0) :]
        if fresh:
            digests = [one.digest for one in fresh if one.digest]
            self.window.add(digests, newest, start + len(found))
        self.state.apply(start, found)

    def forget(self) -> None:
        """Carry out what was asked to be forgotten, on disk too."""
        requests = forgetting.asked(self._folder)
        for _, wanted in requests:
            if wanted.units is None:
                self.state.forget_site(wanted.site_id)
            for unit in wanted.units or ():
                self.state.forget_unit(unit)
        if requests and self._write():
            for path, _ in requests:
                path.unlink(missing_ok=True)

    def _write_behind(self) -> None:
        while not self._stop.wait(CHECKPOINT_SECONDS):
            self.forget()
            self._write()

    def _write(self) -> bool:
        if self.trouble is not None:
            return False
        try:
            self._checkpoint.write(take_changes(self.state))
        except sqlite3.Error as error:
            # The log has it all; only the next start has more of it to read.
            _log.warning("the live state's checkpoint was not written: %s", error)
            return False
        return True


@contextmanager
def open_live(settings: Settings, partition: str, state: State) -> Iterator[Live]:
    """Open the live state of a partition, made good from the log, and keep it up.

    Raises:
        Code24Error: the log or the shared state cannot be read.
    """
    live_state = LiveState(partition)
    checkpoint = Checkpoint(settings.live / "counters.db", partition)
    checkpoint.load(live_state)
    outbox = Outbox(live_state, state)
    window = Window(settings.live / "ids")
    lag = LagMeter(settings.log, settings.committed, partition)
    live = Live(settings.live, live_state, window, checkpoint, outbox, lag)
    try:
        live.fit(settings.log)
        follower = Follower(live_state, state)
        live.recover(settings.log)
        live.forget()
        outbox.start(live_state.offset)
        follower.start()
        live.start()
        try:
            yield live
        finally:
            follower.close()
            outbox.close()
    finally:
        live.close()


def _first_within(log: Path, partition: str) -> int:
    """Return an offset before the first record of the last 24 hours."""
    since = time.time() - WINDOW_SECONDS
    starts = event_log.segment_starts(log, partition)
    for start in reversed(starts):
        for record in event_log.read(log, partition, start, 1):
            if 0.0 < logged_sighting(record.payload).received_at < since:
                return start
    return starts[0] if starts else 0
