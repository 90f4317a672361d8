"""The processes that work off jobs, and when each was last seen."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from code24.contracts.wire import Contract
from code24.state.store import State
from code24.state.tables import workers


class Worker(Contract, frozen=True, kw_only=True):
    """A process that works off jobs; one that stopped as it was told is not listed."""

    worker_id: str
    """Machine, process id and when the process started."""
    started_at: datetime
    seen_at: datetime
    """Its last heartbeat."""
    run_id: str | None
    """The Dagster run it is at; none while it waits."""


def beat(
    state: State,
    worker_id: str,
    *,
    started_at: datetime,
    now: datetime,
    run_id: str | None,
) -> None:
    """Note that a worker lives; heartbeats are not audited."""
    values = {"started_at": started_at, "seen_at": now, "run_id": run_id}
    is_it = workers.c.worker_id == worker_id
    with state.write() as connection:
        known = connection.execute(sa.update(workers).where(is_it).values(**values))
        if not known.rowcount:
            row = {"worker_id": worker_id, **values}
            connection.execute(sa.insert(workers).values(row))


def leave(state: State, worker_ids: Sequence[str]) -> None:
    """Note that workers have stopped."""
    gone = workers.c.worker_id.in_(worker_ids)
    with state.write() as connection:
        connection.execute(sa.delete(workers).where(gone))


def list_workers(state: State) -> list[Worker]:
    """Return the workers, the one seen last first."""
    query = sa.select(workers).order_by(workers.c.seen_at.desc())
    with state.read() as connection:
        return [Worker(**row) for row in connection.execute(query).mappings()]
