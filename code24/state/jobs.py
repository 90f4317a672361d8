"""The jobs: asked for once, claimed under a lease, completed or failed."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from code24.contracts.message import PRIORITY_NUMBER, Priority
from code24.contracts.wire import Contract
from code24.state import audit, sites
from code24.state.errors import NotKnownError, StateError
from code24.state.store import State
from code24.state.tables import optimization_jobs as jobs

JobStatus = Literal["queued", "running", "complete", "failed"]
UNFINISHED: tuple[JobStatus, ...] = ("queued", "running")
MAX_ATTEMPTS = 5
"""A job whose lease ran out this often has a fault of its own, so it is failed."""


class Job(Contract, frozen=True, kw_only=True):
    """One piece of work for one site (``optimization_jobs``)."""

    id: str
    site_id: str
    worker_type: str
    job_type: str
    status: JobStatus
    priority: int
    """The smaller, the sooner."""
    scheduled_at: datetime | None
    started_at: datetime | None
    completed_at: datetime | None
    result_data: Any
    error_message: str | None
    payload: dict[str, Any]
    lease_owner: str | None
    lease_until: datetime | None
    attempts: int
    run_id: str | None


def enqueue(  # noqa: PLR0913 - a job has that many columns
    state: State,
    site_id: str,
    worker_type: str,
    job_type: str,
    priority: Priority,
    *,
    now: datetime,
    payload: Mapping[str, Any],
    scheduled_at: datetime | None = None,
    actor: str = "system",
) -> str:
    """Ask for a job; return its id, or that of the unfinished one of its kind.

    One that is queued is brought forward where this one is sooner or more urgent.

    Raises:
        NotKnownError: its site is not known.
    """
    due, number = scheduled_at or now, PRIORITY_NUMBER[priority]
    with state.write() as connection:
        sites.require(connection, site_id)
        known = _unfinished(connection, site_id, worker_type, job_type)
        if known is not None:
            _bring_forward(connection, known, number, due, actor=actor, now=now)
            return known.id
        job_id = f"job_{secrets.token_hex(8)}"
        values = {
            "id": job_id,
            "site_id": site_id,
            "worker_type": worker_type,
            "job_type": job_type,
            "status": "queued",
            "priority": number,
            "scheduled_at": due,
            "payload": dict(payload),
        }
        connection.execute(sa.insert(jobs).values(values))
        made = _require(connection, job_id)
        _audit(connection, "job.enqueue", None, made, actor=actor, now=now)
    return job_id


def claim(
    state: State,
    job_type: str,
    owner: str,
    lease_seconds: float,
    *,
    now: datetime,
    limit: int = 1_000,
) -> list[Job]:
    """Take all due jobs of one kind, the most urgent first; no one else gets them.

    A job whose lease ran out is due again, until it has had ``MAX_ATTEMPTS``.
    """
    until = now + timedelta(seconds=lease_seconds)
    with state.write() as connection:
        due = _due(connection, job_type, now, limit)
        for job in due:
            _take(connection, job, owner, until, now=now)
        taken = [_require(connection, job.id) for job in due]
    return [job for job in taken if job.status == "running"]


def renew(
    state: State,
    job_ids: Sequence[str],
    owner: str,
    lease_seconds: float,
    *,
    now: datetime,
) -> None:
    """Keep claimed jobs for longer.

    Raises:
        StateError: one of them is not the owner's any more.
        NotKnownError: there is no such job.
    """
    until = now + timedelta(seconds=lease_seconds)
    with state.write() as connection:
        for job_id in job_ids:
            job = _held(connection, job_id, owner)
            _change(connection, job, "job.renew", owner, now, lease_until=until)


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
    with state.write() as connection:
        job = _held(connection, job_id, owner)
        return _change(
            connection,
            job,
            "job.complete",
            owner,
            now,
            status="complete",
            completed_at=now,
            result_data=result_data,
            run_id=run_id,
            error_message=None,
            **RELEASED,
        )


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
    with state.write() as connection:
        job = _held(connection, job_id, owner)
        values: dict[str, Any] = {"status": "failed", "completed_at": now}
        if retry_at is not None and job.attempts < MAX_ATTEMPTS:
            values = {"status": "queued", "scheduled_at": retry_at}
        action = f"job.{'retry' if values['status'] == 'queued' else 'fail'}"
        return _change(
            connection,
            job,
            action,
            owner,
            now,
            error_message=error_message,
            **values,
            **RELEASED,
        )


def list_jobs(
    state: State,
    site_id: str | None = None,
    status: JobStatus | None = None,
    *,
    due_before: datetime | None = None,
    limit: int = 1_000,
) -> list[Job]:
    """Return jobs, the latest due first; of one site, status or due time if asked."""
    query = sa.select(jobs).order_by(jobs.c.scheduled_at.desc(), jobs.c.id)
    if site_id is not None:
        query = query.where(jobs.c.site_id == site_id)
    if status is not None:
        query = query.where(jobs.c.status == status)
    if due_before is not None:
        query = query.where(jobs.c.scheduled_at < due_before)
    with state.read() as connection:
        rows = connection.execute(query.limit(limit)).mappings().all()
    return [_job(row) for row in rows]


RELEASED = {"lease_owner": None, "lease_until": None}


def _unfinished(
    connection: Connection, site_id: str, worker_type: str, job_type: str
) -> Job | None:
    query = sa.select(jobs).where(
        jobs.c.site_id == site_id,
        jobs.c.worker_type == worker_type,
        jobs.c.job_type == job_type,
        jobs.c.status.in_(UNFINISHED),
    )
    row = connection.execute(query).mappings().first()
    return None if row is None else _job(row)


def _bring_forward(
    connection: Connection,
    job: Job,
    priority: int,
    due: datetime,
    *,
    actor: str,
    now: datetime,
) -> None:
    is_sooner = job.scheduled_at is None or due < job.scheduled_at
    if job.status != "queued" or not (is_sooner or priority < job.priority):
        return
    values = {
        "priority": min(priority, job.priority),
        "scheduled_at": due if is_sooner else job.scheduled_at,
    }
    _change(connection, job, "job.forward", actor, now, **values)


def _due(connection: Connection, job_type: str, now: datetime, limit: int) -> list[Job]:
    is_waiting = sa.and_(jobs.c.status == "queued", jobs.c.scheduled_at <= now)
    is_lost = sa.and_(jobs.c.status == "running", jobs.c.lease_until < now)
    query = (
        sa.select(jobs)
        .where(jobs.c.job_type == job_type, sa.or_(is_waiting, is_lost))
        .order_by(jobs.c.priority, jobs.c.scheduled_at, jobs.c.id)
        .limit(limit)
    )
    return [_job(row) for row in connection.execute(query).mappings()]


def _take(
    connection: Connection, job: Job, owner: str, until: datetime, *, now: datetime
) -> None:
    if job.attempts >= MAX_ATTEMPTS:
        message = f"its lease ran out {job.attempts} times, last of {job.lease_owner!r}"
        ended = {"status": "failed", "completed_at": now, "error_message": message}
        _change(connection, job, "job.fail", owner, now, **ended, **RELEASED)
        return
    _change(
        connection,
        job,
        "job.claim",
        owner,
        now,
        status="running",
        started_at=now,
        lease_owner=owner,
        lease_until=until,
        attempts=job.attempts + 1,
    )


def _held(connection: Connection, job_id: str, owner: str) -> Job:
    job = _require(connection, job_id)
    if job.status != "running" or job.lease_owner != owner:
        raise StateError(
            f"job {job_id!r} is {job.status}, held by {job.lease_owner or 'nobody'!r}, "
            f"not by {owner!r}"
        )
    return job


def _change(
    connection: Connection,
    job: Job,
    action: str,
    actor: str,
    now: datetime,
    **values: Any,
) -> Job:
    connection.execute(sa.update(jobs).where(jobs.c.id == job.id).values(values))
    changed = _require(connection, job.id)
    _audit(connection, action, job, changed, actor=actor, now=now)
    return changed


def _audit(
    connection: Connection,
    action: str,
    before: Job | None,
    after: Job,
    *,
    actor: str,
    now: datetime,
) -> None:
    audit.append(
        connection,
        action,
        f"job:{after.id}",
        actor=actor,
        now=now,
        before=before,
        after=after,
    )


def _require(connection: Connection, job_id: str) -> Job:
    query = sa.select(jobs).where(jobs.c.id == job_id)
    row = connection.execute(query).mappings().first()
    if row is None:
        raise NotKnownError(f"job {job_id!r} is not known")
    return _job(row)


def _job(row: RowMapping) -> Job:
    return Job(**{name: row[name] for name in Job.__struct_fields__})
