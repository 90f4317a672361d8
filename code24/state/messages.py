"""The outbox: what workers say to one another, kept until it has been acted upon."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import RowMapping

from code24.contracts.message import PRIORITY_NUMBER, WorkerMessage
from code24.contracts.wire import Contract
from code24.state import audit, sites
from code24.state.checked import checked
from code24.state.errors import StateError
from code24.state.store import State
from code24.state.tables import messages


class Taken(Contract, frozen=True, kw_only=True):
    """A message and the number to settle it by."""

    message_id: int
    message: WorkerMessage


def put(state: State, message: WorkerMessage, *, actor: str, now: datetime) -> int:
    """Add a message; once this returns it is not lost. Return its number.

    Raises:
        StateError: a field is wrong.
        NotKnownError: its site is not known.
    """
    wanted = checked(message)
    with state.write() as connection:
        sites.require(connection, wanted.site_id)
        values = {name: getattr(wanted, name) for name in _FIELDS}
        made = connection.execute(sa.insert(messages).values(values))
        message_id = int((made.inserted_primary_key or (0,))[0])
        audit.append(
            connection,
            "message.put",
            f"message:{message_id}",
            actor=actor,
            now=now,
            after=wanted,
        )
    return message_id


def take(
    state: State,
    consumer: str,
    lease_seconds: float,
    *,
    now: datetime,
    limit: int = 1_000,
) -> list[Taken]:
    """Take messages, the most urgent first, for as long as the lease holds.

    Those that are not settled by then are taken again, so each arrives at least
    once; turning one into a job twice makes one job.
    """
    column = messages.c
    is_free = sa.or_(column.lease_until.is_(None), column.lease_until < now)
    query = (
        sa.select(messages)
        .where(column.settled_at.is_(None), is_free)
        .order_by(sa.case(PRIORITY_NUMBER, value=column.priority), column.message_id)
        .limit(limit)
    )
    lease = {
        "lease_owner": consumer,
        "lease_until": now + timedelta(seconds=lease_seconds),
    }
    with state.write() as connection:
        rows = connection.execute(query).mappings().all()
        taken = column.message_id.in_([row["message_id"] for row in rows])
        connection.execute(sa.update(messages).where(taken).values(lease))
    return [Taken(message_id=row["message_id"], message=_message(row)) for row in rows]


def settle(
    state: State, message_ids: Sequence[int], consumer: str, *, now: datetime
) -> None:
    """Note that taken messages have been acted upon.

    Raises:
        StateError: one of them is not the consumer's; then none is settled.
    """
    column = messages.c
    is_theirs = sa.and_(
        column.message_id.in_(message_ids),
        column.lease_owner == consumer,
        column.settled_at.is_(None),
    )
    query = sa.update(messages).where(is_theirs).values(settled_at=now)
    with state.write() as connection:
        if connection.execute(query).rowcount != len(set(message_ids)):
            raise StateError(
                f"messages {sorted(message_ids)}: not all are held by {consumer!r}"
            )
        for message_id in message_ids:
            audit.append(
                connection,
                "message.settle",
                f"message:{message_id}",
                actor=consumer,
                now=now,
            )


_FIELDS = WorkerMessage.__struct_fields__


def _message(row: RowMapping) -> WorkerMessage:
    return WorkerMessage(**{name: row[name] for name in _FIELDS})
