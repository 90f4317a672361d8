"""The outbox: what workers say to one another, kept until it has become a job."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from code24.contracts.message import MessageType, WorkerMessage
from code24.state import audit, sites
from code24.state.checked import checked
from code24.state.store import State
from code24.state.tables import messages


def put(state: State, message: WorkerMessage, *, actor: str, now: datetime) -> int:
    """Add a message; once this returns it is not lost. Return its number.

    Raises:
        StateError: a field is wrong.
        NotKnownError: its site is not known.
    """
    with state.write() as connection:
        return put_within(connection, message, actor=actor, now=now)


def put_within(
    connection: Connection, message: WorkerMessage, *, actor: str, now: datetime
) -> int:
    """Add a message within the transaction that gives reason for it, as ``put``."""
    wanted = checked(message)
    sites.require(connection, wanted.site_id)
    values = {name: getattr(wanted, name) for name in _FIELDS}
    made = connection.execute(sa.insert(messages).values(values))
    message_id = int((made.inserted_primary_key or (0,))[0])
    subject = f"message:{message_id}"
    audit.append(connection, "message.put", subject, actor=actor, now=now, after=wanted)
    return message_id


def list_messages(
    state: State, site_id: str | None = None, *, limit: int = 1_000
) -> list[WorkerMessage]:
    """Return the newest messages, the newest first; of one site where asked."""
    query = sa.select(messages).order_by(messages.c.message_id.desc()).limit(limit)
    if site_id is not None:
        query = query.where(messages.c.site_id == site_id)
    with state.read() as connection:
        rows = connection.execute(query).mappings().all()
    return [message_of(row) for row in rows]


def list_unsettled(
    state: State, type_: MessageType, *, limit: int = 1_000
) -> list[WorkerMessage]:
    """Return the oldest messages of a type that no job answers yet, in order."""
    is_wanted = sa.and_(messages.c.settled_at.is_(None), messages.c.type == type_)
    query = sa.select(messages).where(is_wanted).order_by(messages.c.message_id)
    with state.read() as connection:
        rows = connection.execute(query.limit(limit)).mappings().all()
    return [message_of(row) for row in rows]


def message_of(row: RowMapping) -> WorkerMessage:
    """Return the message that a row of the table holds."""
    return WorkerMessage(**{name: row[name] for name in _FIELDS})


_FIELDS = WorkerMessage.__struct_fields__
