"""Asking for jobs: at most one of a site and kind is unfinished.

What is asked for while it is queued is answered by it; what is asked for while it runs
makes another once it has ended, for the running one may have read too early.
"""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from code24.contracts.message import PRIORITY_NUMBER, Priority
from code24.contracts.wire import Contract
from code24.state import job_rows, sites
from code24.state.job_rows import RELEASED, Again, By, Job, JobStatus
from code24.state.store import State
from code24.state.tables import job_requests
from code24.state.tables import optimization_jobs as jobs

BEGUN: tuple[JobStatus, ...] = ("running", "complete", "failed")


class Request(Contract, frozen=True, kw_only=True):
    """What is asked for."""

    site_id: str
    worker_type: str
    job_type: str
    priority: Priority
    payload: Mapping[str, Any]
    scheduled_at: datetime | None = None
    """When it is due; at once where absent."""
    key: str | None = None
    """A request with a key known for its site and kind is the same request again: it
    makes nothing, whatever has become of its job."""


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
    key: str | None = None,
    actor: str = "system",
) -> str:
    """Ask for a job; return the id of the one that answers it, as ``ask`` says.

    Raises:
        NotKnownError: its site is not known.
    """
    request = Request(
        site_id=site_id,
        worker_type=worker_type,
        job_type=job_type,
        priority=priority,
        payload=payload,
        scheduled_at=scheduled_at,
        key=key,
    )
    with state.write() as connection:
        return ask(connection, request, By(actor, now))


def ask(connection: Connection, request: Request, by: By) -> str:
    """Ask for a job within a transaction; return the id of the one that answers it.

    That is the unfinished one of its site and kind, if there is one: a queued one is
    brought forward where this request is sooner or more urgent, a running one is
    followed by another.

    Raises:
        NotKnownError: its site is not known.
    """
    sites.require(connection, request.site_id)
    answered = _answered(connection, request)
    if answered is not None:
        return answered
    kind = (request.site_id, request.worker_type, request.job_type)
    known = job_rows.unfinished(connection, *kind)
    job_id = _insert(connection, request, by) if known is None else known.id
    if known is not None:
        _join(connection, known, request, by)
    _remember(connection, request, job_id, by.now)
    return job_id


def end(
    connection: Connection,
    ending: Sequence[Job],
    action: str,
    status: JobStatus,
    by: By,
    **values: Any,
) -> list[Job]:
    """End jobs within a transaction; ask again for what was asked while they ran."""
    values |= {"status": status, "completed_at": by.now, **RELEASED}
    ended = job_rows.change(connection, ending, action, by, **values)
    for job in ended:
        if job.again is not None:
            _insert(connection, _following(job, job.again), by)
    return ended


def _following(job: Job, again: Again) -> Request:
    names = {number: name for name, number in PRIORITY_NUMBER.items()}
    return Request(
        site_id=job.site_id,
        worker_type=job.worker_type,
        job_type=job.job_type,
        priority=names[again.priority],
        payload=again.payload,
        scheduled_at=again.scheduled_at,
    )


def _answered(connection: Connection, request: Request) -> str | None:
    if request.key is None:
        return None
    column = job_requests.c
    query = sa.select(column.job_id).where(
        column.site_id == request.site_id,
        column.job_type == request.job_type,
        column.request_key == request.key,
    )
    found: str | None = connection.execute(query).scalar()
    return found


def _remember(
    connection: Connection, request: Request, job_id: str, now: datetime
) -> None:
    if request.key is None:
        return
    values = {
        "site_id": request.site_id,
        "job_type": request.job_type,
        "request_key": request.key,
        "job_id": job_id,
        "requested_at": now,
    }
    connection.execute(sa.insert(job_requests).values(values))


def _insert(connection: Connection, request: Request, by: By) -> str:
    job_id = f"job_{secrets.token_hex(8)}"
    priority = PRIORITY_NUMBER[request.priority]
    values = {
        "id": job_id,
        "site_id": request.site_id,
        "worker_type": request.worker_type,
        "job_type": request.job_type,
        "status": "queued",
        "priority": priority,
        "scheduled_at": request.scheduled_at or by.now,
        "payload": dict(request.payload),
        "turn": _turn(connection, request.job_type, request.site_id, priority),
    }
    connection.execute(sa.insert(jobs).values(values))
    made = job_rows.require(connection, job_id)
    job_rows.note(connection, "job.enqueue", [(None, made)], by)
    return job_id


def _turn(connection: Connection, job_type: str, site_id: str, priority: int) -> int:
    """Return the place of a site's next job among those of its kind and priority.

    Start-time fair queueing (Goyal et al. 1996): a site's jobs take consecutive
    places, and none earlier than what was begun last, so a site with thousands of
    jobs and one with a single job are served alternately.
    """
    highest = sa.select(sa.func.max(jobs.c.turn)).where(
        jobs.c.job_type == job_type, jobs.c.priority == priority
    )
    queued = jobs.c.status == "queued"
    behind = highest.where(queued, jobs.c.site_id == site_id)
    begun = (highest.where(jobs.c.status == status) for status in BEGUN)
    last, *reached = (connection.execute(q).scalar() for q in (behind, *begun))
    after = 0 if last is None else last + 1
    return max(after, *(turn or 0 for turn in reached))


def _join(connection: Connection, job: Job, request: Request, by: By) -> None:
    """Let an unfinished job answer the request as well."""
    number = PRIORITY_NUMBER[request.priority]
    due = request.scheduled_at or by.now
    if job.status == "running":
        wanted = _merged(job.again, number, due, request.payload)
        if wanted != job.again:
            job_rows.change(connection, [job], "job.again", by, again=wanted)
        return
    is_sooner = job.scheduled_at is None or due < job.scheduled_at
    if number >= job.priority and not is_sooner:
        return
    values: dict[str, Any] = {"scheduled_at": due if is_sooner else job.scheduled_at}
    if number < job.priority:
        turn = _turn(connection, job.job_type, job.site_id, number)
        update = sa.update(jobs).where(jobs.c.id == job.id).values(turn=turn)
        connection.execute(update)
        values["priority"] = number
    job_rows.change(connection, [job], "job.forward", by, **values)


def _merged(
    known: Again | None, priority: int, due: datetime, payload: Mapping[str, Any]
) -> Again:
    if known is None:
        return Again(priority=priority, scheduled_at=due, payload=dict(payload))
    return msgspec.structs.replace(
        known,
        priority=min(known.priority, priority),
        scheduled_at=min(known.scheduled_at, due),
    )
