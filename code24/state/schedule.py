"""Tests that start and end at a set time.

At its planned start a draft runs. At its planned end a running test is analysed once
more and decided for good; that decision is the loop's, which reads the evidence. What
an operator has paused stays paused: it ends once it is started again.
"""

from collections.abc import Iterable
from datetime import datetime

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from code24.contracts.experiment import Experiment
from code24.state import audit, experiment_rows, messages, requests
from code24.state.checked import checked
from code24.state.errors import InvalidError, StateError
from code24.state.experiments import move
from code24.state.store import State
from code24.state.tables import ab_tests, erased_sites, job_requests, test_plans

PLANNED = "its planned start has come"


def set_schedule(
    state: State,
    test_id: str,
    *,
    starts: datetime | None,
    ends: datetime | None,
    actor: str,
    now: datetime,
) -> Experiment:
    """Plan when a test starts and ends, in place of what was planned; none: no plan.

    Raises:
        StateError: the test is complete, has started, or a date makes no sense.
        NotKnownError: there is no such test.
    """
    with state.write() as connection:
        test = experiment_rows.require(connection, test_id)
        wanted = _planned(test, starts, ends, now)
        if wanted != test:
            _put(connection, test, wanted, actor=actor, now=now)
    return wanted


def lift_end(
    connection: Connection, test: Experiment, *, actor: str, now: datetime
) -> None:
    """Drop a planned end that has passed, within the transaction of an undo.

    A test brought back would otherwise end again with its next event.
    """
    if test.planned_end_date is not None and test.planned_end_date <= now:
        wanted = msgspec.structs.replace(test, planned_end_date=None)
        _put(connection, test, wanted, actor=actor, now=now)


def is_over(test: Experiment, now: datetime) -> bool:
    """Say whether the planned end of a test has come."""
    return test.planned_end_date is not None and test.planned_end_date <= now


def act(state: State, *, actor: str, now: datetime) -> list[str]:
    """Start the drafts whose time has come; ask for the last look at those that end.

    Doing it again does nothing: a draft that runs is none, and the analysis is asked
    for by a key that holds the planned end.

    Returns:
        the ids of the tests that something was done about.
    """
    if not _is_any_due(state, now):
        return []
    with state.write() as connection:
        starting = _due(connection, "draft", test_plans.c.planned_start_date, now)
        for test in starting:
            move(connection, test, "running", actor=actor, now=now, reason=PLANNED)
        ending = _unasked(connection, _ending(connection, now))
        for test in ending:
            _ask(connection, test, actor=actor, now=now)
    return [test.test_id for test in (*starting, *ending)]


def _planned(
    test: Experiment, starts: datetime | None, ends: datetime | None, now: datetime
) -> Experiment:
    name = f"test {test.test_id!r}"
    if test.status == "complete":
        raise StateError(f"{name} is complete: nothing is left to be planned")
    if (
        starts is not None
        and starts != test.planned_start_date
        and test.status != "draft"
    ):
        raise StateError(f"{name} is {test.status}: it has started")
    if ends is not None and ends != test.planned_end_date and ends <= now:
        raise InvalidError(
            f"{name}: plannedEndDate {ends.isoformat()} has passed: stop it instead"
        )
    try:
        return checked(
            msgspec.structs.replace(
                test, planned_start_date=starts, planned_end_date=ends
            )
        )
    except ValueError as error:
        raise InvalidError(str(error)) from error


def _put(
    connection: Connection,
    before: Experiment,
    after: Experiment,
    *,
    actor: str,
    now: datetime,
) -> None:
    experiment_rows.put_plan(connection, after)
    names = ("planned_start_date", "planned_end_date")
    old, new = ({name: getattr(t, name) for name in names} for t in (before, after))
    subject = f"test:{after.test_id}"
    audit.append(
        connection,
        "test.schedule",
        subject,
        actor=actor,
        now=now,
        before=old,
        after=new,
    )


def _is_any_due(state: State, now: datetime) -> bool:
    with state.read() as connection:
        if _due(connection, "draft", test_plans.c.planned_start_date, now):
            return True
        return bool(_unasked(connection, _ending(connection, now)))


def _ending(connection: Connection, now: datetime) -> list[Experiment]:
    return _due(connection, "running", test_plans.c.planned_end_date, now)


def _due(
    connection: Connection,
    status: str,
    moment: "sa.ColumnElement[datetime | None]",
    now: datetime,
) -> list[Experiment]:
    query = (
        experiment_rows.select_tests()
        .where(ab_tests.c.status == status, moment <= now)
        .where(ab_tests.c.site_id.not_in(sa.select(erased_sites.c.site_id)))
        .order_by(moment, ab_tests.c.id)
    )
    rows = connection.execute(query).mappings()
    return [experiment_rows.experiment_of(row) for row in rows]


def _unasked(connection: Connection, tests: Iterable[Experiment]) -> list[Experiment]:
    """Return those whose last look was not asked for yet."""
    keys = {_key(test): test for test in tests}
    request = job_requests.c
    query = sa.select(request.request_key).where(
        request.job_type == "analysis", request.request_key.in_(keys)
    )
    asked = set(connection.execute(query).scalars()) if keys else set()
    return [test for key, test in keys.items() if key not in asked]


def _ask(
    connection: Connection, test: Experiment, *, actor: str, now: datetime
) -> None:
    wanted = requests.request_message(
        test.site_id,
        "analysis",
        "high",
        now=now,
        key=_key(test),
        payload={"testId": test.test_id},
    )
    messages.put_within(connection, wanted, actor=actor, now=now)


def _key(test: Experiment) -> str:
    ends = test.planned_end_date
    return f"end-{test.test_id}-{ends.isoformat() if ends else 'never'}"
