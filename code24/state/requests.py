"""From messages to jobs: each message becomes one, in the transaction that settles it.

Worker, control API, command line and sensor all go this way.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, get_args

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from code24.contracts.message import (
    BECOMES,
    WORKER_TYPE,
    JobKind,
    Priority,
    WorkerMessage,
)
from code24.state import audit, job_asking, job_rows, messages
from code24.state.errors import StateError
from code24.state.job_rows import By, Job
from code24.state.store import State
from code24.state.tables import ab_tests
from code24.state.tables import messages as outbox

KIND = "kind"
"""Key of a message's payload: the kind of job wanted, where not the type's own."""
REQUEST_KEY = "requestKey"
"""Key of a message's payload: names the request, so that it makes one job."""
BATCH = 200
"""Messages in one transaction: it takes a fifth of a second, and others that write
wait for it. Range 1 to 10,000."""


def request(  # noqa: PLR0913 - what a message holds, and who puts it
    state: State,
    site_id: str,
    kind: JobKind,
    priority: Priority,
    *,
    actor: str,
    now: datetime,
    key: str | None = None,
    payload: Mapping[str, Any] | None = None,
) -> Job:
    """Put an ``optimization_request`` and make it a job at once; return the job.

    Raises:
        NotKnownError: its site is not known.
        StateError: a field is wrong.
    """
    wanted = request_message(site_id, kind, priority, now=now, key=key, payload=payload)
    with state.write() as connection:
        message_id = messages.put_within(connection, wanted, actor=actor, now=now)
        job_id = _ask(connection, message_id, wanted, By(actor, now))
        _settle(connection, [message_id], now)
        return job_rows.require(connection, job_id)


def request_analyses(state: State, *, actor: str, now: datetime) -> int:
    """Put a request for each site that runs a test; return how many.

    Each is named by its quarter of an hour, so that asking twice asks once.
    """
    running = sa.select(ab_tests.c.site_id).where(ab_tests.c.status == "running")
    key = f"{actor}-{now:%Y-%m-%dT%H}:{now.minute // 15 * 15:02}"
    with state.write() as connection:
        site_ids = connection.execute(running.distinct()).scalars().all()
        for site_id in site_ids:
            wanted = request_message(site_id, "analysis", "low", now=now, key=key)
            messages.put_within(connection, wanted, actor=actor, now=now)
    return len(site_ids)


def publish_soon(
    connection: Connection, site_id: str, *, actor: str, now: datetime
) -> None:
    """Ask for an urgent release within the transaction that changed what is served."""
    wanted = request_message(site_id, "release", "urgent", now=now)
    messages.put_within(connection, wanted, actor=actor, now=now)


def request_message(
    site_id: str,
    kind: JobKind,
    priority: Priority,
    *,
    now: datetime,
    key: str | None = None,
    payload: Mapping[str, Any] | None = None,
) -> WorkerMessage:
    """Return the message that asks for a job of this kind."""
    named = {} if key is None else {REQUEST_KEY: key}
    return WorkerMessage(
        type="optimization_request",
        site_id=site_id,
        priority=priority,
        payload={**(payload or {}), KIND: kind, **named},
        timestamp=int(now.timestamp() * 1000),
    )


def messages_to_jobs(
    state: State, actor: str, *, now: datetime, limit: int = BATCH
) -> int:
    """Turn the outbox's messages into jobs, the oldest first; return how many.

    One that names a kind that is not known is settled and audited, so that it stops
    no other.
    """
    column = outbox.c
    query = sa.select(outbox).where(column.settled_at.is_(None))
    with state.write() as connection:
        ordered = query.order_by(column.message_id).limit(limit)
        rows = connection.execute(ordered).mappings().all()
        for row in rows:
            _ask_or_refuse(connection, row, By(actor, now))
        _settle(connection, [row["message_id"] for row in rows], now)
    return len(rows)


def waits(state: State, *, since: datetime | None = None) -> bool:
    """Tell whether a message waits to become a job; since a moment where given."""
    query = sa.select(outbox.c.message_id).where(outbox.c.settled_at.is_(None))
    if since is not None:
        query = query.where(outbox.c.timestamp <= int(since.timestamp() * 1000))
    with state.read() as connection:
        return connection.execute(query.limit(1)).first() is not None


def kind_of(message: WorkerMessage) -> JobKind:
    """Return the kind of job that a message becomes.

    Raises:
        StateError: its payload names a kind that is not known.
    """
    named = message.payload.get(KIND, BECOMES[message.type])
    for kind in get_args(JobKind):
        if named == kind:
            known: JobKind = kind
            return known
    kinds = ", ".join(get_args(JobKind))
    raise StateError(f"payload.{KIND} {str(named)[:64]!r} is none of {kinds}")


def _ask_or_refuse(connection: Connection, row: RowMapping, by: By) -> None:
    message = messages.message_of(row)
    try:
        _ask(connection, row["message_id"], message, by)
    except StateError as error:
        subject, after = f"message:{row['message_id']}", {"reason": str(error)}
        refused = [audit.Entry("message.refused", subject, after=after)]
        audit.append_all(connection, refused, actor=by.actor, now=by.now)


def _ask(
    connection: Connection, message_id: int, message: WorkerMessage, by: By
) -> str:
    kind, key = kind_of(message), message.payload.get(REQUEST_KEY)
    asked = job_asking.Request(
        site_id=message.site_id,
        worker_type=WORKER_TYPE[kind],
        job_type=kind,
        priority=message.priority,
        payload={"messageId": message_id, **message.payload},
        key=None if key is None else str(key),
    )
    return job_asking.ask(connection, asked, by)


def _settle(connection: Connection, message_ids: list[int], now: datetime) -> None:
    query = sa.update(outbox).where(outbox.c.message_id.in_(message_ids))
    connection.execute(query.values(settled_at=now))
