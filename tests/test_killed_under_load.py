"""Events come in without a pause while each process is killed at work and comes back.

Real collector, worker and Dagster under the real supervisor. What was acknowledged is
in the warehouse once, no job is lost or done twice, and what was held is free again.
"""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import dagster as dg
import httpx
import msgspec
import pytest

from code24 import event_log
from code24.contracts.event import LogRecord
from code24.releases import Reader
from code24.settings import HOST, Settings
from code24.state import (
    State,
    audit,
    experiments,
    jobs,
    open_state,
    requests,
    sites,
    workers,
)
from orchestration.automation import is_behind, log_ends
from orchestration.instance import PROCESS_TAG, open_instance, prepare
from orchestration.run import run_loop
from orchestration.second_path import UNDER_WAY, overdue_jobs_job
from orchestration.warehouse import WAREHOUSE_POOL, Warehouse
from tests.load import Sender, sending
from tests.test_up import descendants, is_alive
from tests.test_whole_way import TEST, until

SUPERVISE = """
import sys
from cli.supervisor import Supervisor, processes
from code24.settings import load

settings = load()
wanted = [one for one in processes(settings) if one.name in sys.argv[1:]]
sys.exit(Supervisor(wanted, settings, say=lambda line: print(line, flush=True)).run())
"""
LAUNCH = """
mutation ($params: ExecutionParams!) {
  launchRun(executionParams: $params) { ... on LaunchRunSuccess { run { runId } } }
}
"""
SECONDS = 300.0
"""How long anything is waited for; on a quiet machine it takes a tenth of that."""
WORKER_KILLS = 3
T = TypeVar("T")
STATS = "from marts.mart_experiment_stats order by all"


@dataclass(frozen=True)
class Home:
    """A home at work, and what is under way on it."""

    settings: Settings
    state: State
    instance: dg.DagsterInstance
    senders: list[Sender]

    def ask(self) -> str:
        """Ask for an analysis; return the job."""
        now = datetime.now(UTC)
        return requests.request(
            self.state, "shop", "analysis", "urgent", actor="test", now=now
        ).id

    def is_done(self, job_id: str) -> bool:
        return jobs.get_job(self.state, job_id).status == "complete"

    def at_work(self) -> tuple[int, str] | None:
        """Return the process and the run that works off jobs at a step just now."""
        held = self.instance.event_log_storage.get_concurrency_info(WAREHOUSE_POOL)
        for job in jobs.list_jobs(self.state, status="running"):
            if job.run_id in held.active_run_ids:
                return int(str(job.lease_owner).split(":")[1]), str(job.run_id)
        return None

    def launch(self, job_name: str) -> str:
        """Let Dagster launch a run as its sensors do; return its id."""
        selector = {
            "repositoryLocationName": "orchestration.definitions",
            "repositoryName": "__repository__",
            "jobName": job_name,
        }
        body = {"query": LAUNCH, "variables": {"params": {"selector": selector}}}
        address = f"http://{HOST}:{self.settings.ports.dagster}/graphql"
        told = httpx.post(address, json=body, timeout=120).json()
        return str(told["data"]["launchRun"]["run"]["runId"])

    def process_of(self, run_id: str) -> int | None:
        """Return the process of a run that is at a step, or none."""
        held = self.instance.event_log_storage.get_concurrency_info(WAREHOUSE_POOL)
        run = self.instance.get_run_by_id(run_id)
        if run is None or run_id not in held.active_run_ids:
            return None
        return int(run.tags[PROCESS_TAG].split(":")[1])

    def has_ended(self, run_id: str) -> bool:
        run = self.instance.get_run_by_id(run_id)
        return run is not None and run.is_finished

    def status(self, run_id: str) -> dg.DagsterRunStatus:
        run = self.instance.get_run_by_id(run_id)
        assert run is not None
        return run.status

    def counts(self) -> list[int]:
        """Return how many events of each sender were acknowledged."""
        return [len(each.acknowledged) for each in self.senders]


@pytest.fixture
def home(settings: Settings) -> Iterator[Home]:
    prepare(settings)
    now = datetime.now(UTC)
    with ExitStack() as stack:
        state = stack.enter_context(open_state(settings.database_url))
        site = sites.add_site(
            state, "shop", "shop.example", "fashion", ["sales"], actor="test", now=now
        )
        experiments.create_test(state, TEST, actor="test", now=now)
        instance = stack.enter_context(open_instance(settings))
        senders = [Sender(settings, site, TEST, name) for name in "ab"]
        yield Home(settings, state, instance, senders)


@contextmanager
def supervised(settings: Settings, *names: str) -> Iterator[int]:
    """Run these processes, started again when they die; stop them as told."""
    command = [sys.executable, "-c", SUPERVISE, *names]
    environment = {**os.environ, **settings.environment()}
    with subprocess.Popen(command, env=environment) as process:
        try:
            yield process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0


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


def are_well(home: Home) -> bool:
    """Tell whether collector and Dagster answer."""
    ports = home.settings.ports
    told = (ports.collector, "/health"), (ports.dagster, "/server_info")
    return all(answers(port, path) for port, path in told)


def answers(port: int, path: str) -> bool:
    try:
        return httpx.get(f"http://{HOST}:{port}{path}", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def found(look: Callable[[], T | None]) -> T:
    """Return what is looked for as soon as it is there."""
    deadline = time.monotonic() + SECONDS
    while (seen := look()) is None:
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.02)
    return seen


def settle(home: Home) -> None:
    """Wait until all that came is in the warehouse and nothing is under way."""
    until(lambda: not is_behind(home.settings, log_ends(home.settings)), SECONDS)
    last = home.ask()
    until(lambda: home.is_done(last), SECONDS)
    until(lambda: not is_unfinished(home), SECONDS)


def is_unfinished(home: Home) -> bool:
    counts, runs = jobs.counts(home.state), dg.RunsFilter(statuses=UNDER_WAY)
    is_asked = requests.waits(home.state) or counts["queued"] or counts["running"]
    return bool(is_asked or home.instance.get_runs(runs, limit=1))


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
