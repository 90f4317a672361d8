"""Events come in without a pause while each process is killed at work and comes back.

Real collector, worker and Dagster under the real supervisor. What was acknowledged is
in the warehouse once, no job is lost or done twice, and what was held is free again.
"""

import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import msgspec
import pytest

from code24 import event_log
from code24.contracts.event import LogRecord
from code24.releases import Reader
from code24.settings import Settings
from code24.state import (
    audit,
    jobs,
    workers,
)
from orchestration.automation import is_behind, log_ends
from orchestration.run import run_loop
from orchestration.second_path import overdue_jobs_job
from orchestration.warehouse import WAREHOUSE_POOL, Warehouse
from tests.load import sending
from tests.running import (
    SECONDS,
    Home,
    are_well,
    found,
    is_unfinished,
    opened,
    supervised,
)
from tests.test_up import descendants, is_alive
from tests.test_whole_way import until

WORKER_KILLS = 2
STATS = "from marts.mart_experiment_stats order by all"


@pytest.fixture
def home(settings: Settings) -> Iterator[Home]:
    with opened(settings) as home:
        yield home


def test_killed_again_and_again_nothing_is_lost_and_nothing_is_there_twice(
    home: Home,
) -> None:
    with supervised(home.settings, "collector", "dagster") as up:
        until(lambda: are_well(home), SECONDS)
        with sending(home.senders):
            kill_a_visit_of_the_second_path(home)
        with supervised(home.settings, "worker"):
            with sending(home.senders):
                killed = [kill_the_worker(home) for _ in range(WORKER_KILLS)]
                killed.append(kill_a_launched_run(home))
                kill(home, up, "app.collector")
                kill(home, up, "dagster")
                before = home.counts()
                until(lambda: all(map(int.__gt__, home.counts(), before)), SECONDS)
            settle(home)
    assert_each_event_is_there_once(home)
    assert_jobs_are_done_once(home)
    assert_nothing_is_held(home, killed)
    assert_the_warehouse_is_as_one_built_anew(home)


def kill_a_visit_of_the_second_path(home: Home) -> None:
    """Kill a run of Dagster's at its work; another then does the job."""
    job_id, run_id = home.ask(), home.launch(overdue_jobs_job.name)
    process, _ = found(home.at_work)
    os.kill(process, signal.SIGKILL)
    until(lambda: home.has_ended(run_id), SECONDS)
    home.launch(overdue_jobs_job.name)
    until(lambda: home.is_done(job_id), SECONDS)
    assert jobs.get_job(home.state, job_id).losses == 1


def kill_the_worker(home: Home) -> str:
    """Kill the worker in the middle of a run; return the run.

    Where the run has ended before the kill, do it again.
    """
    home.ask()
    process, run_id = found(home.at_work)
    os.kill(process, signal.SIGKILL)
    until(lambda: home.has_ended(run_id), SECONDS)
    is_hit = home.status(run_id) == dg.DagsterRunStatus.FAILURE
    return run_id if is_hit else kill_the_worker(home)


def kill_a_launched_run(home: Home) -> str:
    """Kill the process of a run that Dagster launched, at a step; return the run."""
    run_id = home.launch("loop_job")
    os.kill(found(lambda: home.process_of(run_id)), signal.SIGKILL)
    until(lambda: home.has_ended(run_id), SECONDS)
    return run_id


def kill(home: Home, supervisor: int, program: str) -> None:
    """Kill a process that the supervisor started; wait until it is there again.

    What it had started itself, as Dagster's server and daemon, goes with it.
    """
    before = found(lambda: child(supervisor, program))
    family = [before, *descendants(before)]
    os.kill(before, signal.SIGKILL)
    until(lambda: child(supervisor, program) not in (None, before), SECONDS)
    until(lambda: not any(map(is_alive, family)), SECONDS)
    until(lambda: are_well(home), SECONDS)


def child(supervisor: int, program: str) -> int | None:
    """Return the supervisor's own child that runs a module of this name."""
    listed = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text()
    own = [int(word) for word in listed.split()]
    return next((pid for pid in own if program in command_of(pid)), None)


def command_of(pid: int) -> list[str]:
    """Return the words that a process was started with, none where it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return []


def settle(home: Home) -> None:
    """Wait until all that came is in the warehouse and nothing is under way."""
    until(lambda: not is_behind(home.settings, log_ends(home.settings)), SECONDS)
    last = home.ask()
    until(lambda: home.is_done(last), SECONDS)
    until(lambda: not is_unfinished(home), SECONDS)


def assert_each_event_is_there_once(home: Home) -> None:
    records = event_log.read(home.settings.log, "live", 0)
    logged = [msgspec.json.decode(r.payload, type=LogRecord) for r in records]
    ids = [str(record.event.id) for record in logged]
    assert len(set(ids)) == len(ids)
    warehouse = Warehouse(home.settings.warehouse)
    staged = warehouse.read("select event_id from staging.stg_events")["event_id"]
    assert sorted(staged) == sorted(ids)
    sales = warehouse.read("select event_id from marts.fct_conversions")["event_id"]
    assert sorted(sales) == sorted(i for i in ids if i.startswith("conversion"))
    for sender in home.senders:
        assert sender.acknowledged <= set(ids)
    sent = set().union(*(s.acknowledged | s.unanswered for s in home.senders))
    assert set(ids) <= sent
    assert any(sender.unanswered for sender in home.senders), "the collector was killed"


def assert_jobs_are_done_once(home: Home) -> None:
    known = jobs.list_jobs(home.state)
    assert {job.status for job in known} == {"complete"}
    assert sum(job.losses for job in known) >= WORKER_KILLS + 1
    entries = audit.list_entries(home.state, limit=100_000)
    completed = Counter(e.subject for e in entries if e.action == "job.complete")
    assert completed == Counter(f"job:{job.id}" for job in known)


def assert_nothing_is_held(home: Home, killed: list[str]) -> None:
    for run_id in killed:
        assert home.status(run_id) == dg.DagsterRunStatus.FAILURE
    assert home.instance.event_log_storage.get_concurrency_run_ids() == set()
    pool = home.instance.event_log_storage.get_concurrency_info(WAREHOUSE_POOL)
    assert pool.active_slot_count == 0
    assert workers.list_workers(home.state) == []
    releases = home.settings.releases
    reader = Reader(releases, home.settings.keys / "verify.pub")
    assert reader.verify(reader.current_id()) == []


def assert_the_warehouse_is_as_one_built_anew(home: Home) -> None:
    warehouse = Warehouse(home.settings.warehouse)
    grown = warehouse.read(STATS)
    assert grown["units"].sum() > 0
    home.settings.warehouse.unlink()
    assert run_loop(home.settings, lambda _: None).failures == ()
    assert warehouse.read(STATS).equals(grown)
