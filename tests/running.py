"""A home at work: the real processes under the real supervisor, and what they do."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import dagster as dg
import httpx

from code24.contracts.message import JobKind
from code24.settings import HOST, Settings
from code24.state import State, experiments, jobs, open_state, requests, sites
from orchestration.instance import PROCESS_TAG, open_instance, prepare
from orchestration.second_path import UNDER_WAY
from orchestration.warehouse import WAREHOUSE_POOL
from tests.load import Sender
from tests.test_whole_way import TEST

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

T = TypeVar("T")


@dataclass(frozen=True)
class Home:
    """A home at work, and what is under way on it."""

    settings: Settings
    state: State
    instance: dg.DagsterInstance
    senders: list[Sender]

    def ask(self, kind: JobKind = "analysis") -> str:
        """Ask for a job; return its id."""
        now = datetime.now(UTC)
        return requests.request(
            self.state, "shop", kind, "urgent", actor="test", now=now
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


@contextmanager
def opened(settings: Settings) -> Iterator[Home]:
    """Make a home of one site that runs a test, and open it."""
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


def is_unfinished(home: Home) -> bool:
    counts, runs = jobs.counts(home.state), dg.RunsFilter(statuses=UNDER_WAY)
    is_asked = requests.waits(home.state) or counts["queued"] or counts["running"]
    return bool(is_asked or home.instance.get_runs(runs, limit=1))
