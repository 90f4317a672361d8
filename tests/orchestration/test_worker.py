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
import msgspec
import polars as pl
import pytest

from code24.contracts.event import LogRecord
from code24.contracts.message import WorkerMessage
from code24.contracts.metric import Metric
from code24.releases import Reader
from code24.settings import Settings
from code24.state import (
    State,
    analysed,
    decisions,
    experiments,
    jobs,
    messages,
    open_state,
    requests,
    workers,
)
from orchestration.defs.raw.files import event_files
from orchestration.instance import (
    PROCESS_TAG,
    free_abandoned,
    open_instance,
)
from orchestration.processes import this_process
from orchestration.pulse import Pulse
from orchestration.run import run_loop
from orchestration.warehouse import WAREHOUSE_POOL, Warehouse
from orchestration.worker import Worker, retry_delay
from tests.orchestration.homes import (
    START,
    append_events,
    conversion,
    exposure,
    running,
)

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
    """Open the home's state; what its first run asked for is out of the way."""
    with open_state(copied.database_url) as state:
        now = datetime.now(UTC)
        requests.messages_to_jobs(state, "test", now=now)
        for asked in jobs.list_jobs(state):
            jobs.cancel(state, asked.id, actor="test", now=now)
        yield state


@pytest.fixture
def instance(copied: Settings) -> Iterator[dg.DagsterInstance]:
    with open_instance(copied) as instance:
        yield instance


def enqueue(state: State) -> str:
    now = datetime.now(UTC)
    return requests.request(
        state, "shop", "analysis", "urgent", actor="test", now=now
    ).id


def job(state: State, job_id: str) -> jobs.Job:
    return jobs.get_job(state, job_id)


def round_of(worker: Worker, state: State) -> bool:
    with Pulse(state, this_process()) as pulse:
        return worker.round(pulse)


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

    assert round_of(worker, state)
    assert not round_of(worker, state)

    (done,) = jobs.list_jobs(state, job_type="analysis")
    assert (done.status, done.payload["testId"]) == ("complete", "few")
    run = instance.get_run_by_id(str(done.run_id))
    assert run is not None
    assert (run.job_name, run.status) == ("analysis_job", dg.DagsterRunStatus.SUCCESS)
    assert run.tags[f"code24/{done.id}"] == "shop"
    assert [file.end for file in event_files(copied.raw / "events")][-1] == 9
    noted = {a.partition: a.offset for a in analysed.list_analysed(state, "shop")}
    assert noted["live"] == 9


def test_a_process_that_is_warm_takes_the_fast_way_to_the_same_figures(
    copied: Settings, state: State, instance: dg.DagsterInstance
) -> None:
    worker = Worker(copied, state, instance)
    names = []
    for number in range(2):
        unit = [exposure("few", "new", f"m{number}", 1), conversion(f"m{number}", 2)]
        append_events(copied, "live", iter(unit))
        enqueue(state)
        assert round_of(worker, state)
        (done, *_) = jobs.list_jobs(state, status="complete")
        run = instance.get_run_by_id(str(done.run_id))
        names.append(run and run.job_name)
    assert names == ["analysis_job", "fast_analysis_job"]
    warehouse = Warehouse(copied.warehouse)
    query = "from marts.mart_experiment_stats order by all"
    fast = warehouse.read(query)
    enqueue(state)
    assert round_of(Worker(copied, state, instance), state), "all of it, once more"
    assert fast.equals(warehouse.read(query))
    new = fast.filter(experiment_id="few", variant_id="new", metric="conversion")
    assert new["units"].item() == 22


def test_a_sales_test_is_decided_by_the_revenue_it_declares(
    copied: Settings, state: State, instance: dg.DagsterInstance
) -> None:
    """As many buy either way, those who see the new variant twice."""
    goal = Metric(metric_id="revenue", kind="value", role="goal", cap=500.0)
    soon = Metric(metric_id="soon", kind="conversion", window_hours=1, role="guardrail")
    test = msgspec.structs.replace(
        running("money"), test_id="money", metrics=(goal, soon)
    )
    experiments.create_test(state, test, actor="test", now=START)
    worker = Worker(copied, state, instance)
    names = []
    for units in (range(100), range(100, 1_400)):
        append_events(copied, "live", sales(units))
        enqueue(state)
        assert round_of(worker, state)
        (done, *_) = jobs.list_jobs(state, status="complete")
        run = instance.get_run_by_id(str(done.run_id))
        names.append(run and run.job_name)
    assert names == ["analysis_job", "fast_metrics_analysis_job"]
    warehouse = Warehouse(copied.warehouse)
    rates = warehouse.read("from experiments.analyses order by variation_index")
    rates = rates.filter(experiment_id="money").select(
        pl.col("rate").round(9), "metric"
    )
    assert rates.rows() == [(0.999, "revenue"), (1.998, "revenue")]
    watched = warehouse.read("from experiments.metric_analyses")
    watched = watched.filter(experiment_id="money").select("role", "units")
    assert watched.rows() == [("guardrail", 0)] * 2
    (newest, *_) = decisions.list_decisions(state, test_id="money")[::-1]
    assert (newest.kind, newest.variant) == ("ship", "new")
    assert "metric 'revenue'" in newest.reason


def sales(numbers: range) -> Iterator[LogRecord]:
    """Yield units of either variant; one in ten buys, those of the new one twice."""
    for variant in ("old", "new"):
        for number in numbers:
            unit = f"money-{variant}-{number}"
            yield exposure("money", variant, unit, number)
            if number % 10 == 0:
                yield conversion(unit, number)
            if number % 10 == 0 and variant == "new":
                again = conversion(unit, number + 1)
                event = msgspec.structs.replace(again.event, id=f"again-{unit}")
                yield msgspec.structs.replace(again, event=event)


def test_what_ended_a_test_is_learned_from_and_an_undo_is_published_first(
    copied: Settings, state: State, instance: dg.DagsterInstance
) -> None:
    shipped = next(d for d in decisions.list_decisions(state) if d.kind == "ship")
    decisions.undo(state, shipped.decision_id, actor="ann", now=datetime.now(UTC))
    worker = Worker(copied, state, instance)

    assert round_of(worker, state)
    reader = Reader(copied.releases, copied.keys / "verify.pub")
    (shard,) = (reader.site(reader.current(), name) for name in ("shop",))
    served = {test.test_id: test.status for test in shard.tests}
    assert served[shipped.test_id] == "running"
    assert round_of(worker, state)
    assert not round_of(worker, state)

    done = [j for j in jobs.list_jobs(state) if j.status == "complete"]
    runs = {j.job_type: instance.get_run_by_id(str(j.run_id)) for j in done}
    assert {kind: run and run.job_name for kind, run in runs.items()} == {
        "release": "release_job",
        "priors": "priors_job",
    }
    learned = instance.get_latest_materialization_event(
        dg.AssetKey(["priors", "effect_priors"])
    )
    assert learned is not None
    assert learned.run_id == next(j.run_id for j in done if j.job_type == "priors")


def test_a_failed_run_is_told_and_tried_again_later(
    copied: Settings, state: State, instance: dg.DagsterInstance
) -> None:
    path = event_files(copied.raw / "events")[0].path
    whole = path.read_bytes()
    path.write_bytes(b"")
    job_id = enqueue(state)
    worker = Worker(copied, state, instance)

    assert round_of(worker, state)
    failed = job(state, job_id)
    assert failed.status == "queued"
    assert f"raw_tables: {path}: cannot be read" in str(failed.error_message)
    assert failed.scheduled_at is not None
    assert failed.scheduled_at > datetime.now(UTC)
    assert not round_of(worker, state)

    path.write_bytes(whole)
    assert enqueue(state) == job_id
    assert round_of(worker, state)
    assert job(state, job_id).status == "complete"


def test_retries_wait_twice_as_long_each_time_and_not_all_as_long() -> None:
    for attempts, longest in ((1, 5), (2, 10), (3, 20), (20, 600)):
        waits = [retry_delay(attempts) for _ in range(50)]
        assert min(waits) >= timedelta(seconds=longest / 2)
        assert max(waits) <= timedelta(seconds=longest)
        assert len(set(waits)) > 40


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


def started(settings: Settings) -> "subprocess.Popen[str]":
    """Start the worker as its own process."""
    return subprocess.Popen(
        [sys.executable, "-m", "orchestration.worker"],
        env={**os.environ, **settings.environment()},
        stderr=subprocess.PIPE,
        text=True,
    )


def test_worker_and_loop_share_one_warehouse_and_the_worker_stops_when_told(
    copied: Settings, state: State
) -> None:
    with started(copied) as worker:
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
    assert errors.count("1 jobs done by run") == 1
    assert workers.list_workers(state) == []


def test_told_to_stop_at_work_the_worker_finishes_its_run_first(
    copied: Settings, state: State, instance: dg.DagsterInstance
) -> None:
    with started(copied) as worker:
        assert worker.stderr is not None
        try:
            assert "ready" in worker.stderr.readline()
            job_id = enqueue(state)
            wait_until(lambda: is_at_a_step(instance, job(state, job_id)))
            worker.send_signal(signal.SIGTERM)
            _, errors = worker.communicate(timeout=120)
        finally:
            worker.kill()
    assert worker.returncode == 0, errors
    assert (job(state, job_id).status, job(state, job_id).attempts) == ("complete", 1)


def is_at_a_step(instance: dg.DagsterInstance, asked: jobs.Job) -> bool:
    pool = instance.event_log_storage.get_concurrency_info(WAREHOUSE_POOL)
    return asked.status == "running" and asked.run_id in pool.active_run_ids


def test_events_that_ask_for_no_job_are_taken_all_the_same(
    copied: Settings, state: State, instance: dg.DagsterInstance
) -> None:
    append_events(copied, "live", iter([exposure("few", "new", "u", 0)]))
    worker = Worker(copied, state, instance)
    assert round_of(worker, state)
    assert event_files(copied.raw / "events")[-1].end == 1
    append_events(copied, "live", iter([exposure("few", "new", "w", 0)]))
    assert not round_of(worker, state), "the marts are fresh enough"


def wait_until(is_so: Callable[[], bool]) -> None:
    tick = threading.Event()
    deadline = time.monotonic() + 120
    while not is_so():
        assert time.monotonic() < deadline
        tick.wait(0.1)
