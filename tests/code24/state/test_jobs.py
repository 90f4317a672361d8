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
    (job,) = _claim(state)
    assert job.id == first
    jobs.complete(state, first, "w1", now=LATER)
    assert _enqueue(state) != first
    assert len(jobs.list_jobs(state)) == 2


def test_what_is_asked_for_while_a_job_runs_makes_another_once_it_ends(
    state: State,
) -> None:
    first = _enqueue(state, "low")
    _claim(state)
    assert _enqueue(state, "low", scheduled_at=LATER) == first
    assert _enqueue(state, "urgent") == first
    assert len(jobs.list_jobs(state)) == 1
    jobs.complete(state, first, "w1", now=LATER)
    (second,) = jobs.list_jobs(state, status="queued")
    assert (second.priority, second.scheduled_at) == (1, NOW)
    _claim(state)
    jobs.complete(state, second.id, "w1", now=LATER)
    assert jobs.list_jobs(state, status="queued") == []


def test_a_job_that_is_tried_again_answers_what_was_asked_while_it_ran(
    state: State,
) -> None:
    job_id = _enqueue(state, "low")
    _claim(state)
    _enqueue(state, "high")
    again = jobs.fail(state, job_id, "w1", "locked", now=NOW, retry_at=LATER)
    assert (again.status, again.priority, again.again) == ("queued", 3, None)
    _claim(state, now=LATER)
    jobs.complete(state, job_id, "w1", now=LATER)
    assert [job.id for job in jobs.list_jobs(state)] == [job_id]


def test_a_request_with_a_key_makes_one_job_also_after_it_is_done(state: State) -> None:
    def ask(site_id: str, job_type: str, key: str) -> str:
        kind = (site_id, "ab_testing", job_type)
        return jobs.enqueue(state, *kind, "low", now=NOW, payload={}, key=key)

    sites.add_site(state, "b", "b.example", "news", ("leads",), actor="t", now=NOW)
    first = ask("shop", "analyse", "monday")
    _claim(state)
    assert ask("shop", "analyse", "monday") == first
    assert ask("shop", "analyse", "meanwhile") == first
    jobs.complete(state, first, "w1", now=LATER)
    (second,) = jobs.list_jobs(state, status="queued")
    assert ask("shop", "analyse", "monday") == first
    assert ask("shop", "analyse", "meanwhile") == first
    assert ask("shop", "analyse", "tuesday") == second.id
    assert len({ask("b", "analyse", "monday"), ask("shop", "audit", "monday")}) == 2
    assert len(jobs.list_jobs(state)) == 4


def test_sites_take_turns_however_many_jobs_one_of_them_has(state: State) -> None:
    many = [_ask_of(state, "shop", f"worker{number}") for number in range(50)]
    for name in ("a", "b"):
        sites.add_site(
            state, name, f"{name}.example", "news", ("leads",), actor="t", now=NOW
        )
    late = [_ask_of(state, name, "ab_testing") for name in ("a", "b")]
    taken = [job.id for job in jobs.claim(state, "analyse", "w", 60, now=NOW, limit=3)]
    assert set(taken) == {many[0], *late}
    later = [_ask_of(state, "a", f"w{number}") for number in range(20)]
    taken = [job.id for job in jobs.claim(state, "analyse", "w", 60, now=NOW, limit=10)]
    assert len(set(taken) & set(later)) in {5, 6}
    urgent = _ask_of(state, "shop", "soon", "urgent")
    assert jobs.claim(state, "analyse", "w", 60, now=NOW, limit=1)[0].id == urgent


def _ask_of(
    state: State, site_id: str, worker_type: str, priority: Priority = "medium"
) -> str:
    kind = (site_id, worker_type, "analyse")
    return jobs.enqueue(state, *kind, priority, now=NOW, payload={})


def test_a_job_that_kills_its_worker_is_alone_in_the_end(state: State) -> None:
    for number in range(20):
        _ask_of(state, "shop", f"worker{number}")
    sizes, moment = [], NOW
    while taken := _claim(state, "w", moment):
        sizes.append(len(taken))
        poisoned = any(job.worker_type == "worker7" for job in taken)
        for job in taken if not poisoned else []:
            jobs.complete(state, job.id, "w", now=moment)
        moment += timedelta(minutes=5)
    (dead,) = jobs.list_jobs(state, status="failed")
    assert dead.worker_type == "worker7"
    assert sizes[0] == 20
    assert sizes.count(1) >= 4
    assert len(jobs.list_jobs(state, status="complete")) == 19


def test_the_jobs_of_a_worker_that_is_gone_are_due_at_once(state: State) -> None:
    _enqueue(state)
    _claim(state, "gone")
    assert jobs.expire(state, ["somebody"], now=NOW) == 0
    assert jobs.expire(state, ["gone"], now=NOW) == 1
    (job,) = _claim(state, "w2")
    assert (job.lease_owner, job.attempts, job.losses) == ("w2", 2, 1)


def test_many_jobs_end_in_one_step_save_those_that_are_lost(state: State) -> None:
    ids = [_ask_of(state, "shop", f"worker{number}") for number in range(5)]
    _claim(state)
    jobs.cancel(state, ids[0], actor="operator", now=NOW)
    assert set(jobs.renew(state, ids, "w1", 60, now=NOW)) == set(ids[1:])
    failed = jobs.fail_all(
        state, ids[:3], "w1", "no", now=NOW, retry_at={ids[1]: LATER}
    )
    assert {job.id: job.status for job in failed} == {
        ids[1]: "queued",
        ids[2]: "failed",
    }
    done = jobs.complete_all(state, ids, "w1", now=NOW, run_id="r")
    assert {job.id for job in done} == set(ids[3:])
    assert {job.run_id for job in done} == {"r"}
    assert jobs.counts(state)["complete"] == 2


def test_the_operator_cancels_and_tries_again(state: State) -> None:
    job_id = _enqueue(state)
    _claim(state)
    _enqueue(state)
    assert jobs.cancel(state, job_id, actor="ann", now=NOW).status == "cancelled"
    assert jobs.list_jobs(state, status="queued") == []
    with pytest.raises(StateError, match="has ended already"):
        jobs.cancel(state, job_id, actor="ann", now=NOW)
    other = _enqueue(state)
    with pytest.raises(StateError, match=f"job '{other}' of the same site and kind"):
        jobs.retry(state, job_id, actor="ann", now=NOW)
    jobs.cancel(state, other, actor="ann", now=NOW)
    queued = jobs.retry(state, job_id, actor="ann", now=LATER)
    assert (queued.status, queued.attempts) == ("queued", 0)
    assert queued.scheduled_at == LATER
    with pytest.raises(StateError, match="only a failed or cancelled job"):
        jobs.retry(state, job_id, actor="ann", now=NOW)
    entry = audit.list_entries(state, subject=f"job:{job_id}")[0]
    assert (entry.actor, entry.action) == ("ann", "job.retry")


def test_the_kind_that_is_due_most_urgently_comes_first(state: State) -> None:
    kinds = ("analyse", "audit", "publish")
    assert jobs.most_urgent_kind(state, kinds, now=NOW) is None
    _enqueue(state, "high", scheduled_at=NOW - timedelta(minutes=1))
    _enqueue(state, "high", job_type="audit", scheduled_at=NOW - timedelta(minutes=2))
    assert jobs.most_urgent_kind(state, kinds, now=NOW) == "audit"
    _enqueue(state, "urgent", job_type="publish")
    assert jobs.most_urgent_kind(state, kinds, now=NOW) == "publish"
    assert jobs.most_urgent_kind(state, ["speed"], now=NOW) is None
    jobs.claim(state, "publish", "w", 60, now=NOW)
    assert jobs.most_urgent_kind(state, kinds, now=LATER) == "publish"


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
    assert job.error_message == "its lease ran out 8 times, last of 'w1'"


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
