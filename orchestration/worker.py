"""The resident worker: claims due jobs and runs what they need, in seconds.

``python -m orchestration.worker`` keeps Dagster, the parsed dbt project and the
models loaded, so a job waits for the work alone. Every run is recorded in the Dagster
instance as any other. The event log's sensor and the schedule are the second, slower
path; both work on what the log holds, so a job that is lost only delays.
"""

import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import dagster as dg

from code24.errors import Code24Error
from code24.settings import Settings, load
from code24.state import State, jobs, messages, open_state
from orchestration.automation import (
    analysis_job,
    is_behind,
    log_ends,
)
from orchestration.definitions import build_definitions
from orchestration.instance import (
    free_abandoned,
    open_instance,
    prepare,
    process_tags,
)
from orchestration.run import QUIET, StepWatch

WORKER_TYPE = "ab_testing"
JOB_TYPE = "analysis"
POLL_SECONDS = 0.5
"""How long a job waits at most until it is seen. Range 0.1 to 5."""
LEASE_SECONDS = 120.0
"""How long a job stays with a worker that is gone; renewed while one works. Range 30
to 3,600."""
FRESH_SECONDS = 30.0
"""How old the marts get at most while events come in that ask for no job: a run takes
a second or more, so this bounds what a busy site costs. Range 5 to 3,600."""
FIRST_RETRY_SECONDS = 5.0
"""Doubled with each attempt; shared state gives up after the last."""

_log = logging.getLogger("code24.worker")


class WorkerError(Code24Error):
    """A run that no job had asked for failed."""


class Worker:
    """Works off the jobs of one home until it is told to stop."""

    def __init__(
        self, settings: Settings, state: State, instance: dg.DagsterInstance
    ) -> None:
        self._settings = settings
        self._state = state
        self._instance = instance
        self._owner = f"{socket.gethostname()}:{os.getpid()}"
        self._job = build_definitions(settings).resolve_job_def(analysis_job.name)
        self._ran_at = -FRESH_SECONDS

    def run(self, stop: threading.Event) -> None:
        """Work off jobs until ``stop`` is set; what is under way is finished first."""
        wait = POLL_SECONDS
        while not stop.is_set():
            try:
                wait = 0.0 if self.round() else POLL_SECONDS
            except Code24Error as error:
                wait = min(2 * max(wait, POLL_SECONDS), 60.0)
                _log.error("%s; looking again in %.0f s", error, wait)
            stop.wait(wait)

    def round(self) -> bool:
        """Work off all jobs that are due, or all events that wait; tell whether any."""
        messages_to_jobs(self._state, self._owner, datetime.now(UTC))
        now = datetime.now(UTC)
        due = jobs.claim(self._state, JOB_TYPE, self._owner, LEASE_SECONDS, now=now)
        if not due and not self._is_stale():
            return False
        free_abandoned(self._instance)
        with self._renewed([job.id for job in due]):
            run_id, failures = self._materialize()
        self._settle(due, run_id, failures)
        self._ran_at = time.monotonic()
        return True

    def _is_stale(self) -> bool:
        """Tell whether events wait, and have for as long as they may."""
        is_due = time.monotonic() - self._ran_at >= FRESH_SECONDS
        return is_due and is_behind(self._settings, log_ends(self._settings))

    def _materialize(self) -> tuple[str, list[str]]:
        watch = StepWatch(lambda _: None)
        run_id = str(uuid4())
        self._instance.add_event_listener(run_id, watch)
        result = self._job.execute_in_process(
            instance=self._instance,
            run_id=run_id,
            raise_on_error=False,
            run_config=QUIET,
            tags=process_tags(),
        )
        if not result.success and not watch.failures:
            return run_id, ["the run failed outside its steps"]
        return run_id, watch.failures

    def _settle(
        self, due: Sequence[jobs.Job], run_id: str, failures: Sequence[str]
    ) -> None:
        reason = f"run {run_id}: {'; '.join(failures)}"
        if failures and not due:
            raise WorkerError(reason)
        now = datetime.now(UTC)
        for job in due:
            if failures:
                self._fail(job, reason, now, now + retry_delay(job.attempts))
            else:
                self._complete(job, run_id, now)

    def _complete(self, job: jobs.Job, run_id: str, now: datetime) -> None:
        jobs.complete(self._state, job.id, self._owner, now=now, run_id=run_id)
        _log.info("%s of %s done by run %s", job.id, job.site_id, run_id)

    def _fail(self, job: jobs.Job, reason: str, now: datetime, again: datetime) -> None:
        jobs.fail(self._state, job.id, self._owner, reason, now=now, retry_at=again)
        _log.warning("%s of %s failed: %s", job.id, job.site_id, reason)

    @contextmanager
    def _renewed(self, job_ids: Sequence[str]) -> Iterator[None]:
        """Keep the lease for as long as the block takes."""

        def renew() -> None:
            now = datetime.now(UTC)
            jobs.renew(self._state, job_ids, self._owner, LEASE_SECONDS, now=now)

        done = threading.Event()
        beat = threading.Thread(target=_beat, args=(renew, done), daemon=True)
        beat.start()
        try:
            yield
        finally:
            done.set()
            beat.join()


def messages_to_jobs(state: State, consumer: str, now: datetime) -> int:
    """Turn the outbox's messages into jobs; return how many were taken."""
    taken = messages.take(state, consumer, LEASE_SECONDS, now=now)
    for one in taken:
        message = one.message
        jobs.enqueue(
            state,
            message.site_id,
            WORKER_TYPE,
            JOB_TYPE,
            message.priority,
            now=now,
            payload={"messageId": one.message_id, **message.payload},
            actor=consumer,
        )
        messages.settle(state, [one.message_id], consumer, now=now)
    return len(taken)


def retry_delay(attempts: int) -> timedelta:
    """Return how long to wait after so many attempts: twice as long each time."""
    return timedelta(seconds=FIRST_RETRY_SECONDS * 2 ** (attempts - 1))


def _beat(renew: Callable[[], None], done: threading.Event) -> None:
    while not done.wait(LEASE_SECONDS / 3):
        renew()


def serve(settings: Settings, stop: threading.Event) -> None:
    """Prepare the home and work until ``stop`` is set."""
    prepare(settings)
    with (
        open_state(settings.database_url) as state,
        open_instance(settings) as instance,
    ):
        worker = Worker(settings, state, instance)
        _log.info("ready")
        worker.run(stop)


def main() -> int:
    """Work until SIGTERM or Ctrl-C; return the exit status."""
    logging.basicConfig(format="%(asctime)s worker: %(message)s")
    _log.setLevel(logging.INFO)
    settings = load()
    os.environ.update(settings.environment())
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        serve(settings, stop)
    except Code24Error as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
