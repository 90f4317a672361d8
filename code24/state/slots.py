"""How many tests of a site run at once by themselves: its drafts are the queue."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from code24.contracts.experiment import Experiment
from code24.state import audit, experiment_rows, site_policies, sites
from code24.state.errors import InvalidError
from code24.state.experiments import move
from code24.state.store import State
from code24.state.tables import ab_tests, test_plans, weight_history
from code24.state.tables import slots as table

MOST = 1_000
QUEUED = "a slot is free, and it is the first of the queue"


def get_slots(state: State, site_id: str) -> int:
    """Return how many tests of a site start by themselves; 0: none does.

    Raises:
        NotKnownError: there is no such site.
    """
    with state.read() as connection:
        sites.require(connection, site_id)
        return _slots(connection, site_id)


def set_slots(
    state: State, site_id: str, slots: int, *, actor: str, now: datetime
) -> int:
    """Let drafts of a site start, the oldest first, while fewer tests run than this.

    Raises:
        InvalidError: there can be no so many.
        NotKnownError: there is no such site.
    """
    if not 0 <= slots <= MOST:
        raise InvalidError(f"slots {slots}: must be from 0 to {MOST:,}")
    with state.write() as connection:
        sites.require(connection, site_id)
        before = _slots(connection, site_id)
        if before != slots:
            connection.execute(sa.delete(table).where(table.c.site_id == site_id))
            connection.execute(sa.insert(table).values(site_id=site_id, slots=slots))
            subject = f"site:{site_id}"
            audit.append(
                connection,
                "site.slots",
                subject,
                actor=actor,
                now=now,
                before=before,
                after=slots,
            )
    return slots


def fill(state: State, *, actor: str, now: datetime) -> list[str]:
    """Start the first drafts of the sites that have a slot free; return their ids.

    Drafts with a planned start wait for it. Where decisions wait for approval nothing
    starts by itself.
    """
    if not _wanted(state):
        return []
    started: list[str] = []
    with state.write() as connection:
        for site_id, free in _free(connection):
            for test in _queue(connection, site_id)[:free]:
                move(connection, test, "running", actor=actor, now=now, reason=QUEUED)
                started.append(test.test_id)
    return started


def _wanted(state: State) -> bool:
    with state.read() as connection:
        return any(_queue(connection, site_id) for site_id, _ in _free(connection))


def _free(connection: Connection) -> list[tuple[str, int]]:
    """Return the sites with slots left, and how many; paused tests keep theirs."""
    test = ab_tests.c
    taken = (
        sa.select(sa.func.count())
        .where(test.site_id == table.c.site_id, test.status.in_(["running", "paused"]))
        .scalar_subquery()
    )
    query = sa.select(table.c.site_id, table.c.slots - taken)
    found = connection.execute(query.order_by(table.c.site_id)).all()
    return [
        (site_id, free)
        for site_id, free in found
        if free > 0 and not site_policies.find(connection, site_id).is_approval_needed
    ]


def _queue(connection: Connection, site_id: str) -> list[Experiment]:
    """Return a site's drafts in the order they were made."""
    test, history = ab_tests.c, weight_history.c
    made = (
        sa.select(sa.func.min(history.from_at))
        .where(history.test_id == test.id)
        .scalar_subquery()
    )
    query = experiment_rows.select_tests().where(
        test.site_id == site_id,
        test.status == "draft",
        test_plans.c.planned_start_date.is_(None),
    )
    rows = connection.execute(query.order_by(made, test.id)).mappings()
    return [experiment_rows.experiment_of(row) for row in rows]


def _slots(connection: Connection, site_id: str) -> int:
    query = sa.select(table.c.slots).where(table.c.site_id == site_id)
    return int(connection.execute(query).scalar() or 0)
