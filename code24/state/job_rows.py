"""Rows of ``optimization_jobs``: read, changed and audited, many in one statement."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from code24.contracts.wire import Contract
from code24.state import audit
from code24.state.errors import NotKnownError
from code24.state.tables import optimization_jobs as jobs

JobStatus = Literal["queued", "running", "complete", "failed", "cancelled"]
UNFINISHED: tuple[JobStatus, ...] = ("queued", "running")
IDS = 10_000
"""Ids in one statement; SQLite takes 32,766 values."""
RELEASED = {"lease_owner": None, "lease_until": None}


class By(NamedTuple):
    """Who changes something, and when."""

    actor: str
    now: datetime


class Again(Contract, frozen=True, kw_only=True):
    """What was asked for while the job ran, so after what it had read."""

    priority: int
    scheduled_at: datetime
    payload: dict[str, Any]


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
    """How often it was claimed since it was asked for or last retried by hand."""
    losses: int
    """How many of those claims ended with their worker."""
    run_id: str | None
    """The Dagster run that does it, or did it last."""
    again: Again | None
    """Where set, the job is asked for once more as soon as it ends."""


def select(connection: Connection, query: sa.Select[Any]) -> list[Job]:
    """Return the jobs of a query on the table."""
    return [_job(row) for row in connection.execute(query).mappings()]


def require(connection: Connection, job_id: str) -> Job:
    """Return one job.

    Raises:
        NotKnownError: there is no such job.
    """
    found = select(connection, sa.select(jobs).where(jobs.c.id == job_id))
    if not found:
        raise NotKnownError(f"job {job_id!r} is not known: code24 job list")
    return found[0]


def unfinished(
    connection: Connection, site_id: str, worker_type: str, job_type: str
) -> Job | None:
    """Return the one job of a site and kind that is queued or running."""
    query = sa.select(jobs).where(
        jobs.c.site_id == site_id,
        jobs.c.worker_type == worker_type,
        jobs.c.job_type == job_type,
        jobs.c.status.in_(UNFINISHED),
    )
    return next(iter(select(connection, query)), None)


def held(connection: Connection, job_ids: Sequence[str], owner: str) -> list[Job]:
    """Return those of the jobs that this owner has under a lease."""
    is_theirs = sa.and_(jobs.c.status == "running", jobs.c.lease_owner == owner)
    found: list[Job] = []
    for part in parts(job_ids):
        query = sa.select(jobs).where(jobs.c.id.in_(part), is_theirs)
        found += select(connection, query)
    return found


def change(
    connection: Connection, before: Sequence[Job], action: str, by: By, **values: Any
) -> list[Job]:
    """Give all these jobs the same values; return them as they are then."""
    for part in parts([job.id for job in before]):
        query = sa.update(jobs).where(jobs.c.id.in_(part))
        connection.execute(query.values(values))
    after = [msgspec.structs.replace(job, **values) for job in before]
    note(connection, action, zip(before, after, strict=True), by)
    return after


def note(
    connection: Connection,
    action: str,
    changed: Iterable[tuple[Job | None, Job]],
    by: By,
) -> None:
    """Audit what became of each job, from what to what."""
    entries = [
        audit.Entry(action, f"job:{after.id}", before, after)
        for before, after in changed
    ]
    audit.append_all(connection, entries, actor=by.actor, now=by.now)


def parts(ids: Sequence[str]) -> list[Sequence[str]]:
    """Return the ids in parts of which each fits one statement."""
    return [ids[at : at + IDS] for at in range(0, len(ids), IDS)]


def _job(row: RowMapping) -> Job:
    values = {name: row[name] for name in Job.__struct_fields__}
    if values["again"] is not None:
        values["again"] = msgspec.convert(values["again"], Again)
    return Job(**values)
