"""The audit log: who changed what, when, from what to what."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from code24.contracts.wire import Contract
from code24.state.store import State
from code24.state.tables import audit_log


class AuditEntry(Contract, frozen=True, kw_only=True):
    """One change; ``subject`` is the kind of the thing, a colon and its id."""

    audit_id: int
    at: datetime
    actor: str
    action: str
    subject: str
    before: Any
    after: Any


class Entry(NamedTuple):
    """What is to be noted of one change among many of the same moment and actor."""

    action: str
    subject: str
    before: Any = None
    after: Any = None


def append_all(
    connection: Connection, entries: Sequence[Entry], *, actor: str, now: datetime
) -> None:
    """Add entries in one statement, within the transaction that makes the changes."""
    if entries:
        rows = [{"at": now, "actor": actor, **entry._asdict()} for entry in entries]
        connection.execute(sa.insert(audit_log), rows)


def append(
    connection: Connection,
    action: str,
    subject: str,
    *,
    actor: str,
    now: datetime,
    before: Any = None,
    after: Any = None,
) -> int:
    """Add an entry within the transaction that makes the change; return its id."""
    query = sa.insert(audit_log).values(
        at=now,
        actor=actor,
        action=action,
        subject=subject,
        before=before,
        after=after,
    )
    made = connection.execute(query).inserted_primary_key
    return int(made[0]) if made else 0


def list_entries(
    state: State, *, subject: str | None = None, limit: int = 1_000
) -> list[AuditEntry]:
    """Return the newest entries, the newest first, of one subject or of all."""
    query = sa.select(audit_log).order_by(audit_log.c.audit_id.desc()).limit(limit)
    if subject is not None:
        query = query.where(audit_log.c.subject == subject)
    with state.read() as connection:
        rows = connection.execute(query).mappings().all()
    return [AuditEntry(**row) for row in rows]


def newest_id(state: State) -> int:
    """Return the number of the newest entry, 0 where there is none; cheap."""
    query = sa.select(sa.func.coalesce(sa.func.max(audit_log.c.audit_id), 0))
    with state.read() as connection:
        return int(connection.execute(query).scalar_one())


def note(
    state: State,
    action: str,
    subject: str,
    *,
    actor: str,
    now: datetime,
    before: Any = None,
    after: Any = None,
) -> int:
    """Add an entry of a change made outside this database, and return its id."""
    with state.write() as connection:
        return append(
            connection,
            action,
            subject,
            actor=actor,
            now=now,
            before=before,
            after=after,
        )
