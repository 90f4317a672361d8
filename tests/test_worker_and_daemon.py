"""Worker and Dagster's daemon on one home at the same time: each works, none fails.

The test holds the turn on the warehouse until a run of the worker and one of the second
path both wait for it, so they do meet; the daemon has the whole loop in its queue then.
"""

from collections.abc import Iterator

import dagster as dg
import pytest

from code24.settings import Settings
from code24.state import audit, jobs, workers
from orchestration.resources import turn
from orchestration.second_path import overdue_jobs_job
from tests.running import SECONDS, Home, answers, is_unfinished, opened, supervised
from tests.test_whole_way import until


@pytest.fixture
def home(settings: Settings) -> Iterator[Home]:
    with opened(settings) as home:
        yield home


def test_both_do_jobs_beside_the_loop_and_no_run_fails(home: Home) -> None:
    with supervised(home.settings, "dagster", "worker"):
        until(lambda: is_there(home), SECONDS)
        with turn(home.settings):
            analysis = home.ask("analysis")
            until(lambda: is_running(home, analysis), SECONDS)
            priors = home.ask("priors")
            visit = home.launch(overdue_jobs_job.name)
            until(lambda: is_running(home, priors), SECONDS)
            loop = home.launch("loop_job")
        until(lambda: home.is_done(analysis) and home.is_done(priors), SECONDS)
        until(lambda: home.has_ended(visit) and home.has_ended(loop), SECONDS)
        until(lambda: not is_unfinished(home), SECONDS)
    by_job = {job_id: who_did(home, job_id) for job_id in (analysis, priors)}
    assert len(set(by_job.values())) == 2, by_job
    statuses = {run.run_id: run.status for run in home.instance.get_runs()}
    assert set(statuses.values()) == {dg.DagsterRunStatus.SUCCESS}, statuses
    assert len(statuses) >= 4


def is_there(home: Home) -> bool:
    """Tell whether Dagster answers and the worker is at its place."""
    is_up = answers(home.settings.ports.dagster, "/server_info")
    return is_up and bool(workers.list_workers(home.state))


def is_running(home: Home, job_id: str) -> bool:
    return jobs.get_job(home.state, job_id).status == "running"


def who_did(home: Home, job_id: str) -> str:
    """Return the process that completed a job."""
    entries = audit.list_entries(home.state, subject=f"job:{job_id}")
    (done,) = [entry for entry in entries if entry.action == "job.complete"]
    return done.actor
