"""The worker on real parts: jobs and messages in, runs recorded, failures retried."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from code24.contracts.message import WorkerMessage
from code24.settings import Settings
from code24.state import State, jobs, messages, open_state
from orchestration.defs.raw.files import event_files
from orchestration.instance import (
    PROCESS_TAG,
    free_abandoned,
    open_instance,
)
from orchestration.run import run_loop
from orchestration.warehouse import WAREHOUSE_POOL
from orchestration.worker import JOB_TYPE, WORKER_TYPE, Worker, retry_delay
from tests.orchestration.homes import append_events, exposure

DYING = """
import os, signal
import dagster as dg
from code24.settings import load
from orchestration.instance import open_instance, process_tags

@dg.op(pool="duckdb_writer")
def dies():
    os.kill(os.getpid(), signal.SIGKILL)

@dg.job
def dying_job():
    dies()

with open_instance(load()) as instance:
    dying_job.execute_in_process(instance=instance, tags=process_tags())
"""


@pytest.fixture
def state(copied: Settings) -> Iterator[State]:
    with open_state(copied.database_url) as state:
        yield state


@pytest.fixture
def instance(copied: Settings) -> Iterator[dg.DagsterInstance]:
    with open_instance(copied) as instance:
        yield instance


def enqueue(state: State) -> str:
    now = datetime.now(UTC)
    kind = (WORKER_TYPE, JOB_TYPE, "urgent")
    return jobs.enqueue(state, "shop", *kind, now=now, payload={})  # type: ignore[arg-type]


def job(state: State, job_id: str) -> jobs.Job:
    return next(j for j in jobs.list_jobs(state) if j.id == job_id)


def test_jobs_and_messages_become_one_recorded_run(
    copied: Settings, state: State, instance: dg.DagsterInstance
) -> None:
    now = datetime.now(UTC)
    message = WorkerMessage(
        type="analytics_event",
        site_id="shop",
        priority="high",
        payload={"testId": "few"},
        timestamp=int(now.timestamp() * 1000),
    )
    messages.put(state, message, actor="test", now=now)
    append_events(
        copied, "live", (exposure("few", "new", f"m{n}", n) for n in range(9))
    )
    worker = Worker(copied, state, instance)

    assert worker.round()
    assert not worker.round()

    (done,) = jobs.list_jobs(state)
    assert (done.status, done.payload["testId"]) == ("complete", "few")
    run = instance.get_run_by_id(str(done.run_id))
    assert run is not None
    assert (run.job_name, run.status) == ("analysis_job", dg.DagsterRunStatus.SUCCESS)
    assert [file.end for file in event_files(copied.raw / "events")][-1] == 9


def test_a_failed_run_is_told_and_tried_again_later(
    copied: Settings, state: State, instance: dg.DagsterInstance
) -> None:
    path = event_files(copied.raw / "events")[0].path
    whole = path.read_bytes()
    path.write_bytes(b"")
    job_id = enqueue(state)
    worker = Worker(copied, state, instance)

    assert worker.round()
    failed = job(state, job_id)
    assert failed.status == "queued"
    assert f"raw_tables: {path}: cannot be read" in str(failed.error_message)
    assert failed.scheduled_at is not None
    assert failed.scheduled_at > datetime.now(UTC)
    assert not worker.round()

    path.write_bytes(whole)
    assert (
        jobs.enqueue(
            state,
            "shop",
            WORKER_TYPE,
            JOB_TYPE,
            "urgent",
            now=datetime.now(UTC),
            payload={},
        )
        == job_id
    )
    assert worker.round()
    assert job(state, job_id).status == "complete"


def test_retries_wait_twice_as_long_each_time() -> None:
    waits = [retry_delay(attempts) for attempts in (1, 2, 3)]
    assert waits == [timedelta(seconds=s) for s in (5, 10, 20)]


def test_a_run_that_died_with_its_process_frees_the_pool(
    copied: Settings, instance: dg.DagsterInstance
) -> None:
    environment = {**os.environ, **copied.environment()}
    child = subprocess.run([sys.executable, "-c", DYING], check=False, env=environment)
    assert child.returncode == -signal.SIGKILL
    pools = instance.event_log_storage
    assert pools.get_concurrency_info(WAREHOUSE_POOL).active_slot_count == 1

    (dead,) = free_abandoned(instance)

    assert pools.get_concurrency_info(WAREHOUSE_POOL).active_slot_count == 0
    run = instance.get_run_by_id(dead)
    assert run is not None
    assert run.status == dg.DagsterRunStatus.FAILURE
    assert PROCESS_TAG in run.tags
    assert free_abandoned(instance) == []


def test_worker_and_loop_share_one_warehouse_and_the_worker_stops_when_told(
    copied: Settings, state: State
) -> None:
    environment = {**os.environ, **copied.environment()}
    command = [sys.executable, "-m", "orchestration.worker"]
    with subprocess.Popen(
        command, env=environment, stderr=subprocess.PIPE, text=True
    ) as worker:
        assert worker.stderr is not None
        try:
            assert "ready" in worker.stderr.readline()
            job_id = enqueue(state)
            wait_until(lambda: job(state, job_id).status == "running")
            result = run_loop(copied, lambda _: None)
            wait_until(lambda: job(state, job_id).status == "complete")
        finally:
            worker.send_signal(signal.SIGTERM)
            _, errors = worker.communicate(timeout=60)
    assert result.failures == ()
    assert worker.returncode == 0, errors
    assert errors.count("done by run") == 1


def test_events_that_ask_for_no_job_are_taken_all_the_same(
    copied: Settings, state: State, instance: dg.DagsterInstance
) -> None:
    append_events(copied, "live", iter([exposure("few", "new", "u", 0)]))
    worker = Worker(copied, state, instance)
    assert worker.round()
    assert event_files(copied.raw / "events")[-1].end == 1
    append_events(copied, "live", iter([exposure("few", "new", "w", 0)]))
    assert not worker.round(), "the marts are fresh enough"


def wait_until(is_so: Callable[[], bool]) -> None:
    tick = threading.Event()
    deadline = time.monotonic() + 120
    while not is_so():
        assert time.monotonic() < deadline
        tick.wait(0.1)
