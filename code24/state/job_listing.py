"""Looking at jobs: one, many, and whether any is due."""

from collections.abc import Collection
from datetime import datetime
from typing import TypeVar, get_args

import sqlalchemy as sa

from code24.state import job_rows
from code24.state.job_rows import Job, JobStatus
from code24.state.store import State
from code24.state.tables import optimization_jobs as jobs

K = TypeVar("K", bound=str)


def get_job(state: State, job_id: str) -> Job:
    """Return one job.

    Raises:
        NotKnownError: there is no such job.
    """
    with state.read() as connection:
        return job_rows.require(connection, job_id)


def list_jobs(
    state: State,
    site_id: str | None = None,
    status: JobStatus | None = None,
    *,
    job_type: str | None = None,
    due_before: datetime | None = None,
    limit: int = 1_000,
) -> list[Job]:
    """Return jobs, the latest due first; of one site, status, kind or time if asked."""
    query = sa.select(jobs).order_by(jobs.c.scheduled_at.desc(), jobs.c.id)
    equal = ((jobs.c.site_id, site_id), (jobs.c.status, status))
    for column, wanted in (*equal, (jobs.c.job_type, job_type)):
        if wanted is not None:
            query = query.where(column == wanted)
    if due_before is not None:
        query = query.where(jobs.c.scheduled_at < due_before)
    with state.read() as connection:
        return job_rows.select(connection, query.limit(limit))


def counts(state: State) -> dict[JobStatus, int]:
    """Return how many jobs there are in each status."""
    query = sa.select(jobs.c.status, sa.func.count()).group_by(jobs.c.status)
    with state.read() as connection:
        found = dict(connection.execute(query).tuples().all())
    return {status: found.get(status, 0) for status in STATUSES}


def owners(state: State) -> set[str]:
    """Return the owners of the leases of running jobs."""
    query = sa.select(jobs.c.lease_owner).where(jobs.c.status == "running")
    with state.read() as connection:
        return set(connection.execute(query.distinct()).scalars()) - {None}


STATUSES: tuple[JobStatus, ...] = get_args(JobStatus)


def most_urgent_kind(
    state: State, job_types: Collection[K], *, now: datetime
) -> K | None:
    """Return the kind, among these, whose jobs are to be claimed next; or none.

    The most urgent first, then what has waited longest: no kind starves another.
    """
    with state.read() as connection:
        first = [
            (*row, job_type)
            for job_type in sorted(job_types)
            for query in (_waiting(job_type, now), _lost(job_type, now))
            for row in connection.execute(query).tuples()
        ]
    return min(first)[-1] if first else None


def is_any_due(state: State, job_types: Collection[str], *, now: datetime) -> bool:
    """Tell whether a job of these kinds is due; a read of a few index entries."""
    return most_urgent_kind(state, job_types, now=now) is not None


def _waiting(job_type: str, now: datetime) -> sa.Select[tuple[int, datetime]]:
    is_due = sa.and_(jobs.c.status == "queued", jobs.c.scheduled_at <= now)
    return _first(job_type, is_due)


def _lost(job_type: str, now: datetime) -> sa.Select[tuple[int, datetime]]:
    is_due = sa.and_(jobs.c.status == "running", jobs.c.lease_until < now)
    return _first(job_type, is_due)


def _first(
    job_type: str, is_due: sa.ColumnElement[bool]
) -> sa.Select[tuple[int, datetime]]:
    query = sa.select(jobs.c.priority, jobs.c.scheduled_at)
    order = (jobs.c.priority, jobs.c.turn, jobs.c.scheduled_at, jobs.c.id)
    return query.where(jobs.c.job_type == job_type, is_due).order_by(*order).limit(1)
