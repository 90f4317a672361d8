"""What settled long ago goes, in batches; what is still needed stays."""

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from code24.state import State, audit, jobs, messages, pruning, requests, workers
from code24.state.pruning import DEAD_KEPT_DAYS, KEPT_DAYS
from code24.state.tables import job_requests, optimization_jobs
from code24.state.tables import messages as outbox
from tests.code24.state.conftest import NOW

LATER = NOW + timedelta(days=KEPT_DAYS, seconds=1)
MUCH_LATER = NOW + timedelta(days=DEAD_KEPT_DAYS, seconds=1)


def ask(state: State, key: str | None = None, now: datetime = NOW) -> str:
    return requests.request(
        state, "shop", "analysis", "low", actor="t", now=now, key=key
    ).id


def work_off(state: State, now: datetime = NOW) -> str:
    (job,) = jobs.claim(state, "analysis", "w", 60, now=now)
    jobs.complete(state, job.id, "w", now=now)
    return job.id


def count(state: State, table: sa.Table) -> int:
    with state.read() as connection:
        found = connection.execute(sa.select(sa.func.count()).select_from(table))
        return int(found.scalar_one())


def test_what_settled_long_ago_goes_and_is_told_once(state: State) -> None:
    for number in range(7):
        ask(state, key=f"key-{number}")
        work_off(state)
    gone, here = NOW, LATER - timedelta(seconds=9)
    for name, seen in (("gone", gone), ("here", here)):
        workers.beat(state, name, started_at=NOW, now=seen, run_id=None)
    told = pruning.prune(state, actor="dagster", now=LATER, batch=3)
    assert told == {
        "messages": 7,
        "forecasts": 0,
        "request_keys": 7,
        "jobs": 7,
        "dead_jobs": 0,
        "workers": 1,
    }
    assert [count(state, t) for t in (outbox, job_requests, optimization_jobs)] == [
        0
    ] * 3
    assert [worker.worker_id for worker in workers.list_workers(state)] == ["here"]
    noted = [e for e in audit.list_entries(state) if e.action == "state.prune"]
    assert [(e.actor, e.after) for e in noted] == [("dagster", told)]
    pruning.prune(state, actor="dagster", now=LATER)
    again = [e for e in audit.list_entries(state) if e.action == "state.prune"]
    assert again == noted, "nothing was removed, so nothing is told"


def test_nothing_goes_before_its_time(state: State) -> None:
    ask(state, key="k")
    work_off(state)
    told = pruning.prune(state, actor="t", now=LATER - timedelta(seconds=2))
    assert not any(told.values())
    assert ask(state, key="k", now=LATER) == jobs.list_jobs(state)[0].id


def test_a_key_holds_for_as_long_as_is_said_also_after_its_job_is_done(
    state: State,
) -> None:
    first = ask(state, key="old")
    asked_at = NOW + timedelta(days=KEPT_DAYS - 1)
    joined = ask(state, key="young", now=asked_at)
    assert joined == first
    work_off(state)
    told = pruning.prune(state, actor="t", now=LATER)
    assert (told["request_keys"], told["jobs"]) == (1, 0)
    assert ask(state, key="young", now=LATER) == first
    assert ask(state, key="old", now=LATER) != first


def test_what_is_unfinished_stays_with_its_keys_however_old(state: State) -> None:
    queued = ask(state, key="k")
    later = requests.request_message("shop", "priors", "low", now=NOW)
    messages.put(state, later, actor="t", now=NOW)
    told = pruning.prune(state, actor="t", now=MUCH_LATER)
    assert (told["messages"], told["request_keys"], told["jobs"]) == (1, 0, 0)
    assert requests.waits(state)
    assert ask(state, key="k", now=MUCH_LATER) == queued
    assert work_off(state, MUCH_LATER) == queued


@pytest.mark.parametrize(
    ("status", "kept_days"),
    [("complete", 30), ("cancelled", 30), ("failed", 180)],
)
def test_dead_jobs_are_kept_longer(state: State, status: str, kept_days: int) -> None:
    job_id = ask(state)
    (job,) = jobs.claim(state, "analysis", "w", 60, now=NOW)
    if status == "cancelled":
        jobs.cancel(state, job.id, actor="t", now=NOW)
    elif status == "failed":
        jobs.fail(state, job.id, "w", "it is broken", now=NOW)
    else:
        jobs.complete(state, job.id, "w", now=NOW)
    ended = NOW + timedelta(days=kept_days)
    pruning.prune(state, actor="t", now=ended)
    assert [(job.id, job.status) for job in jobs.list_jobs(state)] == [(job_id, status)]
    pruning.prune(state, actor="t", now=ended + timedelta(seconds=1))
    assert jobs.list_jobs(state) == []
