"""Group commit: one thread writes all that waits with one sync, then answers all.

What the last 24 hours hold already is not written again; what is written is counted
before it is answered.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from app.collector.live.live import Live
from app.collector.metrics import CommitMetrics
from code24.contracts.event import LogRecord
from code24.errors import Code24Error
from code24.intake import Encoded, IntakeLog


class QueueFullError(Code24Error):
    """More waits to be written than is allowed."""


class _Waiting(NamedTuple):
    encoded: Encoded
    admitted: Sequence[LogRecord]
    size: int
    written: asyncio.Future[None]


class Committer:
    """The one writer of an intake log; requests wait for it on the event loop.

    While the disk syncs, requests gather; the next append takes them all. What is
    being written counts as waiting, so that ``max_waiting_bytes`` bounds the memory.
    """

    def __init__(
        self,
        log: IntakeLog,
        live: Live,
        max_waiting_bytes: int,
        metrics: CommitMetrics,
    ) -> None:
        self._log = log
        self._live = live
        self._metrics = metrics
        self._max_waiting_bytes = max_waiting_bytes
        self._waiting: deque[_Waiting] = deque()
        self._waiting_bytes = 0
        self.taken_bytes = 0
        """Bytes ever taken in, written or waiting."""
        self._changed = threading.Condition()
        self._is_closing = False
        self._thread = threading.Thread(target=self._run, name="committer")
        self._thread.start()

    @property
    def waiting_bytes(self) -> int:
        """Return how much is not yet durable."""
        return self._waiting_bytes

    @property
    def is_full(self) -> bool:
        """Say whether nothing more may wait."""
        return self._waiting_bytes >= self._max_waiting_bytes

    async def commit(self, encoded: Encoded, admitted: Sequence[LogRecord]) -> None:
        """Return when all is durable and counted, or was so before.

        Args:
            encoded: What is to be written.
            admitted: The records that ``encoded.records`` are, in their order.

        Raises:
            QueueFullError: too much waits; nothing was taken.
            Code24Error: the log could not be written.
        """
        size = sum(map(len, encoded.records)) + sum(map(len, encoded.dead))
        if not size:
            return
        written = asyncio.get_running_loop().create_future()
        with self._changed:
            self._check_open()
            self._waiting.append(_Waiting(encoded, admitted, size, written))
            self._waiting_bytes += size
            self.taken_bytes += size
            self._changed.notify()
        await written

    def close(self) -> None:
        """Write what waits, then end the thread."""
        with self._changed:
            self._is_closing = True
            self._changed.notify()
        self._thread.join()

    def _check_open(self) -> None:
        if self._is_closing:
            raise Code24Error("the collector is stopping; send again in some seconds")
        if self.is_full:
            raise QueueFullError(
                f"{self._waiting_bytes} bytes wait to be written; send again later"
            )

    def _run(self) -> None:
        while batch := self._take():
            error = self._write(batch)
            with self._changed:
                self._waiting_bytes -= sum(waiting.size for waiting in batch)
            loop = batch[0].written.get_loop()
            loop.call_soon_threadsafe(_settle, batch, error)

    def _take(self) -> list[_Waiting]:
        """Wait for requests and return all of them; none once closing."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_closing)
            batch = list(self._waiting)
            self._waiting.clear()
        return batch

    def _write(self, batch: Sequence[_Waiting]) -> Exception | None:
        payloads: list[bytes] = []
        admitted: list[LogRecord] = []
        dead: list[bytes] = []
        for waiting in batch:
            payloads.extend(waiting.encoded.records)
            admitted.extend(waiting.admitted)
            dead.extend(waiting.encoded.dead)
        began = time.perf_counter()
        try:
            fresh = self._live.sort_out(payloads, admitted)
            written = self._log.append(Encoded(fresh.payloads, dead))
            self._live.note(written.start, fresh.sightings)
        except Exception as error:  # noqa: BLE001 - whoever waits must be told
            self._metrics.failed()
            return error
        size = sum(waiting.size for waiting in batch)
        self._metrics.committed(fresh, size, time.perf_counter() - began)
        return None


def _settle(batch: Sequence[_Waiting], error: Exception | None) -> None:
    for waiting in batch:
        if waiting.written.done():  # the client has gone
            continue
        if error is None:
            waiting.written.set_result(None)
        else:
            waiting.written.set_exception(error)
