"""The jobs: asked for once, claimed under a lease, completed or failed."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from code24.state import job_rows
from code24.state.errors import StateError
from code24.state.job_asking import end, enqueue
from code24.state.job_listing import (
    counts,
    get_job,
    is_any_due,
    list_jobs,
    most_urgent_kind,
    owners,
)
from code24.state.job_operating import cancel, retry
from code24.state.job_rows import RELEASED, By, Job, JobStatus
from code24.state.store import State
from code24.state.tables import optimization_jobs as jobs

__all__ = [
    "Job",
    "JobStatus",
    "cancel",
    "claim",
    "complete",
    "complete_all",
    "counts",
    "enqueue",
    "expire",
    "fail",
    "fail_all",
    "get_job",
    "is_any_due",
    "list_jobs",
    "most_urgent_kind",
    "owners",
    "renew",
    "retry",
]

MAX_ATTEMPTS = 8
"""How often a job is tried. With the back-off that is ten minutes of a fault that goes
by itself; a job that fails longer is dead: kept with its error. Range 1 to 20."""
SPLIT = 8
"""Jobs that were lost with their worker are claimed in groups this many times smaller
each time, so that one that kills its worker is alone in the end. Range 2 to 1,000."""


def claim(
    state: State,
    job_type: str,
    owner: str,
    lease_seconds: float,
    *,
    now: datetime,
    limit: int = 1_000,
    run_id: str | None = None,
) -> list[Job]:
    """Take all due jobs of one kind, the most urgent first; no one else gets them.

    Within a priority the sites take turns, however many jobs one of them has. A job
    whose lease ran out is due again; after ``MAX_ATTEMPTS`` it fails.
    """
    lease = {
        "lease_owner": owner,
        "lease_until": now + timedelta(seconds=lease_seconds),
    }
    with state.write() as connection:
        due = _due(connection, job_type, now, limit)
        tired = [job for job in due if job.attempts >= MAX_ATTEMPTS]
        _end_tired(connection, tired, owner, now)
        group = _group([job for job in due if job.attempts < MAX_ATTEMPTS], limit)
        return _take(connection, group, owner, now, **lease, run_id=run_id)


def renew(
    state: State,
    job_ids: Sequence[str],
    owner: str,
    lease_seconds: float,
    *,
    now: datetime,
) -> list[str]:
    """Keep claimed jobs for longer; return those that are the owner's still."""
    until = now + timedelta(seconds=lease_seconds)
    with state.write() as connection:
        kept = [job.id for job in job_rows.held(connection, job_ids, owner)]
        for part in job_rows.parts(kept):
            query = sa.update(jobs).where(jobs.c.id.in_(part))
            connection.execute(query.values(lease_until=until))
    return kept


def expire(state: State, owners: Sequence[str], *, now: datetime) -> int:
    """Let the leases of owners that are gone run out now; return how many did."""
    is_theirs = sa.and_(jobs.c.status == "running", jobs.c.lease_owner.in_(owners))
    query = sa.update(jobs).where(is_theirs, jobs.c.lease_until > now)
    with state.write() as connection:
        ended = query.values(lease_until=now - timedelta(seconds=1))
        return connection.execute(ended).rowcount


def complete(
    state: State,
    job_id: str,
    owner: str,
    *,
    now: datetime,
    result_data: Any = None,
    run_id: str | None = None,
) -> Job:
    """Note that a claimed job is done, and what came of it.

    Raises:
        StateError: the job is not the owner's any more; its work is not counted.
        NotKnownError: there is no such job.
    """
    done = complete_all(
        state, [job_id], owner, now=now, result_data=result_data, run_id=run_id
    )
    return done[0] if done else _refuse(state, job_id, owner)


def complete_all(
    state: State,
    job_ids: Sequence[str],
    owner: str,
    *,
    now: datetime,
    result_data: Any = None,
    run_id: str | None = None,
) -> list[Job]:
    """Note that claimed jobs are done; return those that were the owner's still."""
    values = {"result_data": result_data, "error_message": None}
    values |= {} if run_id is None else {"run_id": run_id}
    with state.write() as connection:
        done = job_rows.held(connection, job_ids, owner)
        by = By(owner, now)
        return end(connection, done, "job.complete", "complete", by, **values)


def fail(
    state: State,
    job_id: str,
    owner: str,
    error_message: str,
    *,
    now: datetime,
    retry_at: datetime | None = None,
) -> Job:
    """Note that a claimed job failed; queue it again for ``retry_at`` where given.

    After ``MAX_ATTEMPTS`` it stays failed all the same.

    Raises:
        StateError: the job is not the owner's any more.
        NotKnownError: there is no such job.
    """
    retries = {} if retry_at is None else {job_id: retry_at}
    failed = fail_all(state, [job_id], owner, error_message, now=now, retry_at=retries)
    return failed[0] if failed else _refuse(state, job_id, owner)


def fail_all(
    state: State,
    job_ids: Sequence[str],
    owner: str,
    error_message: str,
    *,
    now: datetime,
    retry_at: Mapping[str, datetime],
) -> list[Job]:
    """Note that claimed jobs failed, as ``fail`` does, each with its own ``retry_at``.

    Returns:
        those that were the owner's still.
    """
    by = By(owner, now)
    with state.write() as connection:
        theirs = job_rows.held(connection, job_ids, owner)
        dead = [j for j in theirs if j.id not in retry_at or j.attempts >= MAX_ATTEMPTS]
        ended = end(
            connection, dead, "job.fail", "failed", by, error_message=error_message
        )
        again = [
            _try_again(connection, job, retry_at[job.id], by, error_message)
            for job in theirs
            if job not in dead
        ]
    return ended + again


def _due(connection: Connection, job_type: str, now: datetime, limit: int) -> list[Job]:
    """Return those whose lease ran out and those that wait, in the order of claims.

    Two queries, so that each reads as many rows of its index as it returns.
    """
    of_kind = sa.select(jobs).where(jobs.c.job_type == job_type)
    order = (jobs.c.priority, jobs.c.turn, jobs.c.scheduled_at, jobs.c.id)
    waiting = of_kind.where(jobs.c.status == "queued", jobs.c.scheduled_at <= now)
    lost = of_kind.where(jobs.c.status == "running", jobs.c.lease_until < now)
    found = job_rows.select(connection, lost.order_by(*order).limit(limit))
    found += job_rows.select(connection, waiting.order_by(*order).limit(limit))
    return sorted(found, key=lambda job: job.priority)[:limit]


def _group(due: Sequence[Job], limit: int) -> list[Job]:
    """Return the first of these, fewer the oftener one of them lost its worker."""
    group: list[Job] = []
    worst = 0
    for job in due:
        worst = max(worst, _losses(job))
        if len(group) >= max(limit // SPLIT**worst, 1):
            break
        group.append(job)
    return group


def _losses(job: Job) -> int:
    return job.losses + (job.status == "running")


def _end_tired(
    connection: Connection, tired: Sequence[Job], owner: str, now: datetime
) -> None:
    for job in tired:
        message = f"its lease ran out {_losses(job)} times, last of {job.lease_owner!r}"
        lost = {"error_message": message, "losses": _losses(job)}
        end(connection, [job], "job.fail", "failed", By(owner, now), **lost)


def _take(
    connection: Connection,
    group: Sequence[Job],
    owner: str,
    now: datetime,
    **values: Any,
) -> list[Job]:
    values |= {"status": "running", "started_at": now}
    is_lost = sa.case((jobs.c.status == "running", 1), else_=0)
    counts = {"attempts": jobs.c.attempts + 1, "losses": jobs.c.losses + is_lost}
    for part in job_rows.parts([job.id for job in group]):
        query = sa.update(jobs).where(jobs.c.id.in_(part)).values(**values, **counts)
        connection.execute(query)
    taken = [
        msgspec.structs.replace(
            job, **values, attempts=job.attempts + 1, losses=_losses(job)
        )
        for job in group
    ]
    changed = zip(group, taken, strict=True)
    job_rows.note(connection, "job.claim", changed, By(owner, now))
    return taken


def _try_again(
    connection: Connection, job: Job, retry_at: datetime, by: By, error_message: str
) -> Job:
    """Let a failed job wait; it then answers also what was asked while it ran."""
    asked = job.priority if job.again is None else job.again.priority
    values = {"scheduled_at": retry_at, "priority": min(job.priority, asked)}
    values |= {"status": "queued", "again": None, "error_message": error_message}
    (queued,) = job_rows.change(
        connection, [job], "job.retry", by, **values, **RELEASED
    )
    return queued


def _refuse(state: State, job_id: str, owner: str) -> Job:
    with state.read() as connection:
        job = job_rows.require(connection, job_id)
    raise StateError(
        f"job {job_id!r} is {job.status}, held by {job.lease_owner or 'nobody'!r}, "
        f"not by {owner!r}"
    )
