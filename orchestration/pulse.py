"""The heartbeat of a process that works off jobs: it is seen, and its leases hold."""

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from code24.errors import Code24Error
from code24.state import State, jobs, workers
from orchestration.processes import is_gone

BEAT_SECONDS = 5.0
"""How often a worker says that it lives. Range 1 to 60."""
LEASE_SECONDS = 60.0
"""How long a job stays with a worker that is gone without a trace, such as with its
machine; that of a dead process on this machine is taken up at once. Range 30 to 3,600,
and several heartbeats."""

_log = logging.getLogger("code24.worker")


class Pulse:
    """Beats in a thread of its own from entering to leaving."""

    def __init__(self, state: State, owner: str) -> None:
        self._state = state
        self._owner = owner
        self._started_at = datetime.now(UTC)
        self._held: tuple[Sequence[str], str | None] = ((), None)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._beat()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        self._thread.join()
        workers.leave(self._state, [self._owner])

    @contextmanager
    def holding(self, job_ids: Sequence[str], run_id: str) -> Iterator[None]:
        """Keep these jobs' leases for as long as the block takes."""
        self._held = (job_ids, run_id)
        try:
            yield
        finally:
            self._held = ((), None)

    def _run(self) -> None:
        while not self._done.wait(BEAT_SECONDS):
            try:
                self._beat()
            except Code24Error as error:
                _log.error("no heartbeat: %s", error)

    def _beat(self) -> None:
        (job_ids, run_id), now = self._held, datetime.now(UTC)
        seen = {"started_at": self._started_at, "now": now}
        workers.beat(self._state, self._owner, **seen, run_id=run_id)
        if job_ids:
            jobs.renew(self._state, job_ids, self._owner, LEASE_SECONDS, now=now)


def bury(state: State) -> int:
    """Let go of what dead processes of this machine hold; return how many jobs."""
    known = {worker.worker_id for worker in workers.list_workers(state)}
    gone = [owner for owner in known | jobs.owners(state) if is_gone(owner)]
    if not gone:
        return 0
    workers.leave(state, gone)
    return jobs.expire(state, gone, now=datetime.now(UTC))
