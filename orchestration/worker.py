"""The resident worker: claims due jobs and runs what they need, in seconds.

``python -m orchestration.worker`` keeps Dagster, the parsed dbt project and the
models loaded, so a job waits for the work alone. Every run is recorded in the Dagster
instance as any other. Sensors and the schedule are the second, slower path
(``orchestration/second_path.py``); both take the same leases and work on what the log
holds, so a job or a message that is lost only delays.
"""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from random import SystemRandom
from uuid import uuid4

import dagster as dg

from code24.contracts.message import JobKind
from code24.errors import Code24Error
from code24.settings import Settings, load
from code24.state import State, jobs, metric_rows, open_state, requests, schedule, slots
from orchestration import guardrails
from orchestration.automation import is_behind, log_ends
from orchestration.definitions import build_definitions
from orchestration.instance import (
    free_abandoned,
    open_instance,
    prepare,
    process_tags,
)
from orchestration.kinds import KINDS
from orchestration.processes import this_process
from orchestration.pulse import LEASE_SECONDS, Pulse, bury
from orchestration.run import QUIET, StepWatch

POLL_SECONDS = 0.05
"""How long a message waits at most until it is seen: a read of a few index entries,
a millisecond of one processor each. Range 0.02 to 5."""
LOOK_SECONDS = 2.0
"""How often it looks for jobs of dead processes, for tests that start or end now, and
for events that ask for no job. Range 1 to 60."""
FRESH_SECONDS = 30.0
"""How old the marts get at most while events come in that ask for no job: a run takes
a second or more, so this bounds what a busy site costs. Range 5 to 3,600."""
FIRST_RETRY_SECONDS = 5.0
MAX_RETRY_SECONDS = 600.0
"""The first is doubled with each attempt, up to the second; Range 1 to 3,600."""
SCHEDULE = "schedule"
"""Who starts and ends tests at their planned time, in the audit log."""
JOB_TAG = "code24/{}"
"""Tags a run with each of its jobs; the tag's value is the job's site."""

_log = logging.getLogger("code24.worker")
_random = SystemRandom()


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
        self._owner = this_process()
        definitions = build_definitions(settings)
        self._jobs = {
            name: definitions.resolve_job_def(kind.job.name)
            for name, kind in KINDS.items()
        }
        self._fast_jobs = {
            name: definitions.resolve_job_def(kind.fast_job.name)
            for name, kind in KINDS.items()
            if kind.fast_job is not None
        }
        self._fast_metrics_jobs = {
            name: definitions.resolve_job_def(kind.fast_metrics_job.name)
            for name, kind in KINDS.items()
            if kind.fast_metrics_job is not None
        }
        self._warm: set[JobKind] = set()
        self._ran_at = self._looked_at = -FRESH_SECONDS

    def run(self, stop: threading.Event) -> None:
        """Work off jobs until ``stop`` is set; what is under way is finished first."""
        wait = POLL_SECONDS
        with Pulse(self._state, self._owner) as pulse:
            self._warm_up(pulse)
            while not stop.is_set():
                try:
                    wait = 0.0 if self.round(pulse) else POLL_SECONDS
                except Code24Error as error:
                    wait = min(2 * max(wait, 0.5), 60.0)
                    _log.error("%s; looking again in %.0f s", error, wait)
                stop.wait(wait)

    def round(self, pulse: Pulse) -> bool:
        """Work off all due jobs of the most urgent kind; tell whether there was work.

        Where no job is due, events that have waited long enough are taken.
        """
        is_time_to_look = time.monotonic() - self._looked_at >= LOOK_SECONDS
        if is_time_to_look:
            self._looked_at = time.monotonic()
            bury(self._state)
            schedule.act(self._state, actor=SCHEDULE, now=datetime.now(UTC))
            slots.fill(self._state, actor=SCHEDULE, now=datetime.now(UTC))
        if requests.waits(self._state):
            now = datetime.now(UTC)
            guardrails.switch_off_crossed(self._settings, self._state, now=now)
            requests.messages_to_jobs(self._state, self._owner, now=now)
        kind = jobs.most_urgent_kind(self._state, KINDS, now=datetime.now(UTC))
        if kind is not None:
            return self._work_off(kind, pulse)
        if is_time_to_look and self._is_stale():
            self._refresh(pulse)
            return True
        return False

    def _work_off(self, kind: JobKind, pulse: Pulse) -> bool:
        run_id, now = str(uuid4()), datetime.now(UTC)
        lease = (kind, self._owner, LEASE_SECONDS)
        due = jobs.claim(self._state, *lease, now=now, run_id=run_id)
        if not due:
            return False
        with pulse.holding([job.id for job in due], run_id):
            failures = self._materialize(kind, run_id, due)
        self._settle(due, run_id, failures)
        return True

    def _warm_up(self, pulse: Pulse) -> None:
        """Run the analysis once, so that the first job finds all loaded and built."""
        if not self._settings.warehouse.exists():
            return
        try:
            self._refresh(pulse)
        except WorkerError as error:
            _log.error("%s", error)

    def _refresh(self, pulse: Pulse) -> None:
        run_id = str(uuid4())
        with pulse.holding((), run_id):
            failures = self._materialize("analysis", run_id, ())
        if failures:
            raise WorkerError(_reason(run_id, failures))

    def _is_stale(self) -> bool:
        """Tell whether events wait, and have for as long as they may."""
        is_due = time.monotonic() - self._ran_at >= FRESH_SECONDS
        return is_due and is_behind(self._settings, log_ends(self._settings))

    def _materialize(
        self, kind: JobKind, run_id: str, due: Sequence[jobs.Job]
    ) -> Sequence[str]:
        """Run what the kind materialises; return why it failed, nothing where not."""
        free_abandoned(self._instance)
        watch = StepWatch(lambda _: None)
        self._instance.add_event_listener(run_id, watch)
        tags = {JOB_TAG.format(job.id): job.site_id for job in due}
        try:
            result = self._job(kind).execute_in_process(
                instance=self._instance,
                run_id=run_id,
                raise_on_error=False,
                run_config=QUIET,
                tags={**process_tags(), **tags},
            )
        except Exception as error:  # noqa: BLE001 - outside the steps: the jobs go on
            _log.exception("run %s", run_id)
            return [f"{type(error).__name__}: {error}"]
        finally:
            self._ran_at = time.monotonic()
        if result.success:
            self._warm.add(kind)
            return ()
        return watch.failures or ["the run failed outside its steps"]

    def _job(self, kind: JobKind) -> dg.JobDefinition:
        """Return the fast job where the last run of the kind went through.

        After one that failed it is the whole again: a view may be gone, or the file.
        """
        is_warm = kind in self._warm and kind in self._fast_jobs
        self._warm.discard(kind)
        if not is_warm:
            return self._jobs[kind]
        are_declared = kind in self._fast_metrics_jobs and self._are_metrics_declared()
        return (self._fast_metrics_jobs if are_declared else self._fast_jobs)[kind]

    def _are_metrics_declared(self) -> bool:
        with self._state.read() as connection:
            return metric_rows.are_beyond_plain(connection)

    def _settle(
        self, due: Sequence[jobs.Job], run_id: str, failures: Sequence[str]
    ) -> None:
        ids, now = [job.id for job in due], datetime.now(UTC)
        if not failures:
            done = jobs.complete_all(self._state, ids, self._owner, now=now)
            _log.info("%d jobs done by run %s", len(done), run_id)
            return
        reason = _reason(run_id, failures)
        again = {job.id: now + retry_delay(job.attempts) for job in due}
        failed = (ids, self._owner, reason)
        jobs.fail_all(self._state, *failed, now=now, retry_at=again)
        _log.warning("%d jobs failed: %s", len(ids), reason)


def _reason(run_id: str, failures: Sequence[str]) -> str:
    return f"run {run_id}: {'; '.join(failures)}"


def retry_delay(attempts: int) -> timedelta:
    """Return how long to wait after so many attempts.

    Twice as long each time, and at random between half of that and all of it, so that
    what failed together does not come back together.
    """
    whole = min(FIRST_RETRY_SECONDS * 2 ** (attempts - 1), MAX_RETRY_SECONDS)
    return timedelta(seconds=_random.uniform(whole / 2, whole))


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
    """Work until SIGTERM or Ctrl-C; return the exit status.

    The work is done in a thread: in the main one Dagster puts handlers of its own in
    place of these while a step runs, and a signal would break the run off.
    """
    logging.basicConfig(format="%(asctime)s worker: %(message)s")
    _log.setLevel(logging.INFO)
    settings = load()
    os.environ.update(settings.environment())
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        with ThreadPoolExecutor(1) as thread:
            thread.submit(serve, settings, stop).result()
    except Code24Error as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
