"""How many tests of a site run at once by themselves: its drafts are the queue.

Where drafts wait and no slot is free, a day of a running test costs what the slot would
bring with the best of them.
"""

import math
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from code24.contracts.experiment import Experiment
from code24.contracts.slots import GREATEST_WORTH, Queue, Waiting
from code24.state import audit, experiment_rows, forecasts, site_policies, sites
from code24.state.errors import InvalidError
from code24.state.experiments import move
from code24.state.store import State
from code24.state.tables import ab_tests, test_plans, weight_history
from code24.state.tables import slot_worths as worths
from code24.state.tables import slots as table

MOST = 1_000
STEPS = 4
"""A learned worth is rounded to so many steps a decade: between two steps decisions
hardly differ, and the boundaries of stopping are solved once for each."""
QUEUED = "a slot is free, and it is the first of the queue"


def get_slots(state: State, site_id: str) -> int:
    """Return how many tests of a site start by themselves; 0: none does.

    Raises:
        NotKnownError: there is no such site.
    """
    with state.read() as connection:
        sites.require(connection, site_id)
        return _slots(connection, site_id)


def get_queue(state: State, site_id: str, slots: int | None = None) -> Queue:
    """Return a site's slots, and what waits for them; or as so many slots would be.

    Raises:
        InvalidError: there can be no so many.
        NotKnownError: there is no such site.
    """
    with state.read() as connection:
        sites.require(connection, site_id)
        number = _slots(connection, site_id) if slots is None else _possible(slots)
        return _found(connection, site_id, number)


def costs(state: State) -> dict[str, float]:
    """Return what a day costs a site's tests, where it is not next to nothing."""
    with state.read() as connection:
        query = sa.union(sa.select(table.c.site_id), sa.select(worths.c.site_id))
        site_ids = sorted(connection.execute(query).scalars())
        found = [_found(connection, s, _slots(connection, s)) for s in site_ids]
    return {q.site_id: q.cost_of_day for q in found if q.cost_of_day is not None}


def set_slots(
    state: State, site_id: str, slots: int, *, actor: str, now: datetime
) -> int:
    """Let drafts of a site start, the oldest first, while fewer tests run than this.

    Raises:
        InvalidError: there can be no so many.
        NotKnownError: there is no such site.
    """
    _possible(slots)
    with state.write() as connection:
        sites.require(connection, site_id)
        before = _slots(connection, site_id)
        if before != slots:
            connection.execute(sa.delete(table).where(table.c.site_id == site_id))
            connection.execute(sa.insert(table).values(site_id=site_id, slots=slots))
            _Change(connection, site_id, actor, now).note("site.slots", before, slots)
    return slots


def set_worth(
    state: State, site_id: str, worth: float | None, *, actor: str, now: datetime
) -> None:
    """Say what a day of a slot is worth; none lets it be learned from the queue.

    Raises:
        InvalidError: it is none that a day can be worth.
        NotKnownError: there is no such site.
    """
    if worth is not None and not 0 <= worth <= GREATEST_WORTH:
        raise InvalidError(
            f"worth of a slot {worth:g}: must be from 0 to {GREATEST_WORTH:g}, a lift "
            "over the whole horizon for each day"
        )
    with state.write() as connection:
        sites.require(connection, site_id)
        before = _worth(connection, site_id)
        if before == worth:
            return
        connection.execute(sa.delete(worths).where(worths.c.site_id == site_id))
        if worth is not None:
            connection.execute(sa.insert(worths).values(site_id=site_id, worth=worth))
        _Change(connection, site_id, actor, now).note("site.slot_worth", before, worth)


class _Change(NamedTuple):
    """Who changes which site within a transaction, and when."""

    connection: Connection
    site_id: str
    actor: str
    now: datetime

    def note(self, action: str, before: float | None, after: float | None) -> None:
        """Put the change into the audit log."""
        audit.append(
            self.connection,
            action,
            f"site:{self.site_id}",
            actor=self.actor,
            now=self.now,
            before=before,
            after=after,
        )


def _possible(slots: int) -> int:
    if not 0 <= slots <= MOST:
        raise InvalidError(f"slots {slots}: must be from 0 to {MOST:,}")
    return slots


def _found(connection: Connection, site_id: str, slots: int) -> Queue:
    drafts = [test.test_id for test in _queue(connection, site_id)]
    taken, worth = _taken(connection, site_id), _worth(connection, site_id)
    plans = forecasts.plans_of(connection, drafts)
    policy = site_policies.find(connection, site_id)
    is_automatic = slots > 0 and not policy.is_approval_needed
    free = max(slots - taken, 0) if is_automatic else 0
    is_wanted = is_automatic and len(drafts) > free
    best = max((p.outlook.worth_a_day for p in plans.values()), default=0.0)
    learned = _rounded(best) if is_wanted and best > 0 else None
    return Queue(
        site_id=site_id,
        slots=slots,
        taken=taken,
        is_automatic=is_automatic,
        worth=worth,
        learned_worth=learned,
        cost_of_day=learned if worth is None else worth,
        drafts=tuple(Waiting(test_id=d, plan=plans.get(d)) for d in drafts),
        starting=tuple(drafts[:free]),
    )


def _rounded(worth: float) -> float:
    step = round(STEPS * math.log10(worth)) / STEPS
    return min(float(f"{10.0**step:.3g}"), GREATEST_WORTH)


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


def _taken(connection: Connection, site_id: str) -> int:
    test = ab_tests.c
    query = sa.select(sa.func.count()).where(
        test.site_id == site_id, test.status.in_(["running", "paused"])
    )
    return int(connection.execute(query).scalar() or 0)


def _worth(connection: Connection, site_id: str) -> float | None:
    query = sa.select(worths.c.worth).where(worths.c.site_id == site_id)
    found: float | None = connection.execute(query).scalar()
    return found


def _slots(connection: Connection, site_id: str) -> int:
    query = sa.select(table.c.slots).where(table.c.site_id == site_id)
    return int(connection.execute(query).scalar() or 0)
