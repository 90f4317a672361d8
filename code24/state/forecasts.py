"""What was asked of tests' futures, and what was told: plans, and rules tried out.

The questions wait here for a worker, which alone reads the warehouse; so that command
line, control API and console tell the same.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from code24.contracts.allocation import Allocation
from code24.contracts.forecast import Assumptions, Forecast, Foreseen, Plan
from code24.contracts.wire import digest
from code24.state import allocations, experiment_rows, messages, requests
from code24.state.errors import NotKnownError
from code24.state.store import State
from code24.state.tables import ab_tests
from code24.state.tables import forecasts as table

AS_IT_IS = Assumptions()
FRESH = timedelta(hours=20)
"""A plan so old is made anew each day, a little before, so that the hour of the day
does not wander. Range 1 hour to 7 days."""
MOST_DRAFTS = 50
"""Plans that one run makes unasked, a fifth of a second each. Range 1 to 1,000."""


def plan(
    state: State, test_id: str, assumptions: Assumptions, *, actor: str, now: datetime
) -> Forecast:
    """Ask for a test's plan, and for a worker to make it; asked before, again.

    Raises:
        NotKnownError: there is no such test.
    """
    with state.write() as connection:
        experiment_rows.require(connection, test_id)
        return _ask(connection, test_id, assumptions, actor, now)


def try_out(state: State, rule: Allocation, *, actor: str, now: datetime) -> Forecast:
    """Ask what a rule would do to a test's shares; it is not set.

    Raises:
        StateError: a value is wrong, or the test is complete.
        NotKnownError: there is no such test.
    """
    with state.write() as connection:
        test = experiment_rows.require(connection, rule.test_id)
        before = allocations.find(connection, rule.test_id)
        wanted = allocations.planned(test, before, rule)
        return _ask(connection, rule.test_id, wanted, actor, now)


def get_forecast(state: State, forecast_id: str) -> Forecast:
    """Return a question with its answer, if a worker has found it.

    Raises:
        NotKnownError: it was never asked, or is no longer kept.
    """
    with state.read() as connection:
        row = _row(connection, forecast_id)
    if row is None:
        raise NotKnownError(f"forecast {forecast_id!r} is not known")
    return _forecast(row)


def find_plan(state: State, test_id: str) -> Forecast | None:
    """Return the plan of a test as its site is, if it was ever asked for.

    Raises:
        NotKnownError: there is no such test.
    """
    with state.read() as connection:
        experiment_rows.require(connection, test_id)
        row = _row(connection, _id(test_id, AS_IT_IS))
    return None if row is None else _forecast(row)


def plans_of(connection: Connection, test_ids: Iterable[str]) -> dict[str, Plan]:
    """Return the plans told of tests as their site is, within a transaction."""
    ids = [_id(test_id, AS_IT_IS) for test_id in test_ids]
    query = sa.select(table.c.test_id, table.c.told).where(
        table.c.forecast_id.in_(ids), table.c.told.is_not(None)
    )
    rows = connection.execute(query).all()
    return {test_id: msgspec.convert(told, Plan) for test_id, told in rows}


def due(state: State, *, now: datetime) -> list[Forecast]:
    """Return what waits for an answer, and the plans of drafts that are not fresh."""
    drafts = sa.select(ab_tests.c.id).where(ab_tests.c.status == "draft")
    with state.read() as connection:
        query = sa.select(table).where(table.c.told_at.is_(None))
        rows = connection.execute(query.order_by(table.c.asked_at)).mappings()
        asked = [_forecast(row) for row in rows]
        told = sa.select(table.c.forecast_id).where(table.c.told_at > now - FRESH)
        fresh = set(connection.execute(told).scalars())
        test_ids = connection.execute(drafts.order_by(ab_tests.c.id)).scalars().all()
    fresh |= {each.forecast_id for each in asked}
    stale = [name for name in test_ids if _id(name, AS_IT_IS) not in fresh]
    return asked + [_new(name, AS_IT_IS, now) for name in stale[:MOST_DRAFTS]]


def tell(
    state: State, asked: Forecast, told: Plan | Foreseen | str, *, now: datetime
) -> None:
    """Keep the answer to a question; a text is why there is none."""
    problem = told if isinstance(told, str) else None
    values = {
        **_values(asked),
        "told_at": now,
        "told": None if problem else told,
        "problem": problem,
    }
    with state.write() as connection:
        _put(connection, asked.forecast_id, values)


def _ask(
    connection: Connection,
    test_id: str,
    asked: Assumptions | Allocation,
    actor: str,
    now: datetime,
) -> Forecast:
    new = _new(test_id, asked, now)
    _put(connection, new.forecast_id, _values(new))
    site_id = experiment_rows.require(connection, test_id).site_id
    wanted = requests.request_message(site_id, "forecast", "high", now=now)
    messages.put_within(connection, wanted, actor=actor, now=now)
    return new


def _new(test_id: str, asked: Assumptions | Allocation, now: datetime) -> Forecast:
    return Forecast(
        forecast_id=_id(test_id, asked),
        test_id=test_id,
        assumptions=asked if isinstance(asked, Assumptions) else None,
        rule=asked if isinstance(asked, Allocation) else None,
        asked_at=now,
    )


def _id(test_id: str, asked: Assumptions | Allocation) -> str:
    return digest([test_id, type(asked).__name__, asked])[:32]


def _values(forecast: Forecast) -> dict[str, object]:
    return {
        "test_id": forecast.test_id,
        "subject": "plan" if forecast.rule is None else "allocation",
        "asked": forecast.rule or forecast.assumptions,
        "asked_at": forecast.asked_at,
    }


def _put(connection: Connection, forecast_id: str, values: dict[str, object]) -> None:
    is_it = table.c.forecast_id == forecast_id
    connection.execute(sa.delete(table).where(is_it))
    connection.execute(sa.insert(table).values(forecast_id=forecast_id, **values))


def _row(connection: Connection, forecast_id: str) -> RowMapping | None:
    query = sa.select(table).where(table.c.forecast_id == forecast_id)
    return connection.execute(query).mappings().first()


def _forecast(row: RowMapping) -> Forecast:
    is_plan = row["subject"] == "plan"
    asked: Assumptions | Allocation = (
        msgspec.convert(row["asked"], Assumptions)
        if is_plan
        else msgspec.convert(row["asked"], Allocation)
    )
    new = _new(row["test_id"], asked, row["asked_at"])
    if row["told_at"] is None:
        return new
    told = row["told"]
    return msgspec.structs.replace(
        new,
        status="told" if told else "failed",
        told_at=row["told_at"],
        plan=msgspec.convert(told, Plan) if told and is_plan else None,
        foreseen=msgspec.convert(told, Foreseen) if told and not is_plan else None,
        problem=row["problem"],
    )
