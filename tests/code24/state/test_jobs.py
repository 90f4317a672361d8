"""Jobs: one of a kind, claimed by one owner, never lost with a dead worker."""

import subprocess
import sys
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from code24.contracts.message import Priority
from code24.settings import Settings
from code24.state import NotKnownError, State, StateError, audit, jobs, sites
from code24.state.tables import optimization_jobs
from tests.code24.state.conftest import NOW

LATER = NOW + timedelta(minutes=10)
CLAIM = """
import sys
from datetime import datetime
from code24.state import jobs, open_state
url, owner, now = sys.argv[1:]
with open_state(url) as state:
    while taken := jobs.claim(state, "analyse", owner, 60, limit=3,
                              now=datetime.fromisoformat(now)):
        for job in taken:
            print(job.id)
"""


def _enqueue(
    state: State,
    priority: Priority = "medium",
    *,
    job_type: str = "analyse",
    scheduled_at: datetime | None = None,
) -> str:
    return jobs.enqueue(
        state,
        "shop",
        "ab_testing",
        job_type,
        priority,
        now=NOW,
        payload={"testId": "hero"},
        scheduled_at=scheduled_at,
    )


def _claim(state: State, owner: str = "w1", now: datetime = NOW) -> list[jobs.Job]:
    return jobs.claim(state, "analyse", owner, 60, now=now)


def test_a_job_runs_from_asked_for_to_complete(state: State) -> None:
    job_id = _enqueue(state)
    (job,) = _claim(state)
    assert (job.id, job.status, job.attempts) == (job_id, "running", 1)
    assert (job.lease_owner, job.lease_until) == ("w1", NOW + timedelta(seconds=60))
    assert (job.payload, job.started_at) == ({"testId": "hero"}, NOW)
    done = jobs.complete(
        state, job_id, "w1", now=LATER, result_data={"tests": 1}, run_id="r1"
    )
    assert (done.status, done.completed_at, done.run_id) == ("complete", LATER, "r1")
    assert (done.result_data, done.lease_owner) == ({"tests": 1}, None)
    assert jobs.list_jobs(state) == [done]


def test_one_unfinished_job_of_a_kind(state: State) -> None:
    first = _enqueue(state)
    assert _enqueue(state) == first
    _claim(state)
    assert _enqueue(state) == first
    jobs.complete(state, first, "w1", now=LATER)
    assert _enqueue(state) != first
    assert len(jobs.list_jobs(state)) == 2


def test_the_database_itself_keeps_it_to_one(state: State) -> None:
    _enqueue(state)
    copy = sa.text(
        "INSERT INTO optimization_jobs (id, site_id, worker_type, job_type, status, "
        "payload) SELECT 'copy', site_id, worker_type, job_type, status, payload "
        "FROM optimization_jobs"
    )
    with pytest.raises(IntegrityError, match="UNIQUE"), state.write() as connection:
        connection.execute(copy)


def test_asking_again_brings_it_forward_but_never_back(state: State) -> None:
    _enqueue(state, "low", scheduled_at=LATER)
    _enqueue(state, "urgent", scheduled_at=LATER + timedelta(hours=1))
    (job,) = jobs.list_jobs(state)
    assert (job.priority, job.scheduled_at) == (1, LATER)
    _enqueue(state, "low")
    (job,) = jobs.list_jobs(state)
    assert (job.priority, job.scheduled_at) == (1, NOW)


def test_due_jobs_of_one_kind_come_most_urgent_first(state: State) -> None:
    for name in ("a-site", "b-site"):
        sites.add_site(
            state, name, f"{name}.example", "news", ("leads",), actor="t", now=NOW
        )
    asked: dict[str, Priority] = {"a-site": "low", "b-site": "urgent"}
    for site_id, priority in asked.items():
        jobs.enqueue(
            state,
            site_id,
            "ab_testing",
            "analyse",
            priority,
            now=NOW,
            payload={},
        )
    _enqueue(state, scheduled_at=LATER)
    _enqueue(state, job_type="audit")
    assert [job.site_id for job in _claim(state)] == ["b-site", "a-site"]


def test_a_claimed_job_is_nobody_elses_until_its_lease_runs_out(state: State) -> None:
    job_id = _enqueue(state)
    _claim(state)
    assert _claim(state, "w2") == []
    (job,) = _claim(state, "w2", LATER)
    assert (job.id, job.lease_owner, job.attempts) == (job_id, "w2", 2)
    with pytest.raises(StateError, match="held by 'w2', not by 'w1'"):
        jobs.complete(state, job_id, "w1", now=LATER)


def test_a_renewed_lease_holds_longer(state: State) -> None:
    job_id = _enqueue(state)
    _claim(state)
    jobs.renew(state, [job_id], "w1", 3600, now=NOW)
    assert _claim(state, "w2", LATER) == []


def test_a_failed_job_says_why(state: State) -> None:
    job_id = _enqueue(state)
    _claim(state)
    failed = jobs.fail(state, job_id, "w1", "no evidence", now=LATER)
    assert (failed.status, failed.error_message) == ("failed", "no evidence")
    assert failed.completed_at == LATER
    assert _claim(state, "w2", LATER) == []


def test_a_failed_job_may_be_tried_again_but_not_for_ever(state: State) -> None:
    job_id = _enqueue(state)
    seen = []
    for _ in range(jobs.MAX_ATTEMPTS):
        _claim(state)
        seen.append(jobs.fail(state, job_id, "w1", "no", now=NOW, retry_at=NOW).status)
    assert seen == ["queued"] * (jobs.MAX_ATTEMPTS - 1) + ["failed"]


def test_a_job_that_kills_its_worker_ends_failed(state: State) -> None:
    _enqueue(state)
    moments = [NOW + timedelta(hours=n) for n in range(jobs.MAX_ATTEMPTS + 1)]
    taken = [len(_claim(state, "w1", moment)) for moment in moments]
    assert taken == [1] * jobs.MAX_ATTEMPTS + [0]
    (job,) = jobs.list_jobs(state, status="failed")
    assert job.error_message == "its lease ran out 5 times, last of 'w1'"


def test_overdue_jobs_are_found(state: State) -> None:
    _enqueue(state)
    assert jobs.list_jobs(state, status="queued", due_before=NOW) == []
    late = jobs.list_jobs(state, "shop", "queued", due_before=LATER)
    assert [job.job_type for job in late] == ["analyse"]


def test_a_job_needs_its_site_and_a_worker_its_job(state: State) -> None:
    with pytest.raises(NotKnownError, match="site 'gone' is not known"):
        jobs.enqueue(state, "gone", "seo", "audit", "low", now=NOW, payload={})
    with pytest.raises(NotKnownError, match="job 'gone' is not known"):
        jobs.complete(state, "gone", "w1", now=NOW)


def test_every_step_is_audited(state: State) -> None:
    job_id = _enqueue(state)
    _claim(state)
    jobs.complete(state, job_id, "w1", now=LATER)
    entries = audit.list_entries(state, subject=f"job:{job_id}")
    assert [entry.action for entry in entries] == [
        "job.complete",
        "job.claim",
        "job.enqueue",
    ]
    assert (entries[0].before["status"], entries[0].after["status"]) == (
        "running",
        "complete",
    )


def test_processes_that_claim_at_once_never_share_a_job(
    settings: Settings, state: State
) -> None:
    expected = {_insert(state, number) for number in range(60)}
    command = [sys.executable, "-W", "error", "-c", CLAIM, settings.database_url]
    started = [
        subprocess.Popen(
            [*command, f"w{number}", NOW.isoformat()], stdout=subprocess.PIPE, text=True
        )
        for number in range(3)
    ]
    claimed = [process.communicate(timeout=60)[0].split() for process in started]
    assert [process.returncode for process in started] == [0, 0, 0]
    everything = [job_id for part in claimed for job_id in part]
    assert len(everything) == 60
    assert set(everything) == expected


def _insert(state: State, number: int) -> str:
    values = {
        "id": f"job{number}",
        "site_id": "shop",
        "worker_type": f"worker{number}",
        "job_type": "analyse",
        "status": "queued",
        "scheduled_at": NOW,
        "payload": {},
    }
    with state.write() as connection:
        connection.execute(sa.insert(optimization_jobs).values(values))
    return f"job{number}"
