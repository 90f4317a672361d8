"""By which rule the visitors of each test are shared out."""

from datetime import datetime

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from code24.contracts.allocation import Allocation
from code24.contracts.experiment import Experiment
from code24.contracts.metric import effective_metrics
from code24.state import audit, experiment_rows, requests
from code24.state.checked import checked
from code24.state.errors import InvalidError, StateError
from code24.state.store import State
from code24.state.tables import allocations


def get_allocation(state: State, test_id: str) -> Allocation:
    """Return a test's rule; fixed where none was set.

    Raises:
        NotKnownError: there is no such test.
    """
    with state.read() as connection:
        experiment_rows.require(connection, test_id)
        return find(connection, test_id) or Allocation(test_id=test_id)


def list_allocations(state: State) -> dict[str, Allocation]:
    """Return the rules that are set and move anything, by test."""
    query = sa.select(allocations.c.rule).where(allocations.c.kind != "fixed")
    with state.read() as connection:
        rules = connection.execute(query).scalars().all()
    found = [msgspec.convert(rule, Allocation) for rule in rules]
    return {rule.test_id: rule for rule in found}


def set_allocation(
    state: State, wanted: Allocation, *, actor: str, now: datetime
) -> Allocation:
    """Set the rule of a test that is not complete.

    A roll-out begins with its first step, and ends, where another rule follows, with
    its target; the same transaction asks for a release.

    Raises:
        StateError: a value is wrong, or the test is complete.
        NotKnownError: there is no such test.
    """
    with state.write() as connection:
        test = experiment_rows.require(connection, wanted.test_id)
        before = find(connection, wanted.test_id)
        after = planned(test, before, wanted)
        if after == before:
            return after
        _put(connection, after)
        _cover(connection, test, before, after)
        subject = f"test:{test.test_id}"
        audit.append(
            connection,
            "test.allocation",
            subject,
            actor=actor,
            now=now,
            before=before,
            after=after,
        )
        requests.publish_soon(connection, test.site_id, actor=actor, now=now)
    return after


def planned(
    test: Experiment, before: Allocation | None, wanted: Allocation
) -> Allocation:
    """Return the rule as it would be set.

    Raises:
        StateError: a value is wrong, or the test is complete.
    """
    if test.status == "complete":
        raise StateError(f"test {test.test_id!r} is complete: its shares stay")
    arms = len(test.variants)
    if wanted.kind == "bandit" and wanted.floor * arms > 1:
        raise InvalidError(
            f"test {test.test_id!r}: floor {wanted.floor:g} for each of {arms} arms is "
            "more than the whole"
        )
    if wanted.kind == "bandit" and test.sticky_bucketing is not None:
        raise InvalidError(
            f"test {test.test_id!r}: its visitors keep their variant "
            "(stickyBucketing), so a bandit could not move them: let shares be fixed"
        )
    goal = effective_metrics(test.metrics, test.goal_type)[0]
    is_counted = goal.kind == "conversion" and goal.is_plain(test.goal_type)
    if wanted.kind == "bandit" and not is_counted:
        raise InvalidError(
            f"test {test.test_id!r}: a bandit counts conversions by period, and the "
            f"goal metric {goal.metric_id!r} is another: let its shares be fixed"
        )
    is_rolling = before is not None and before.kind == "rollout"
    target = before.target if before and is_rolling else test.coverage
    return checked(msgspec.structs.replace(wanted, target=target))


def find(connection: Connection, test_id: str) -> Allocation | None:
    """Return a test's rule within a transaction, or none."""
    query = sa.select(allocations.c.rule).where(allocations.c.test_id == test_id)
    rule = connection.execute(query).scalar()
    return None if rule is None else msgspec.convert(rule, Allocation)


def _put(connection: Connection, rule: Allocation) -> None:
    is_its = allocations.c.test_id == rule.test_id
    connection.execute(sa.delete(allocations).where(is_its))
    values = {"test_id": rule.test_id, "kind": rule.kind, "rule": rule}
    connection.execute(sa.insert(allocations).values(values))


def _cover(
    connection: Connection,
    test: Experiment,
    before: Allocation | None,
    after: Allocation,
) -> None:
    """Set the coverage that the rule begins with."""
    was_rolling = before is not None and before.kind == "rollout"
    coverage = after.target
    if after.kind == "rollout":
        coverage = test.coverage if was_rolling else after.target * after.steps[0]
    if coverage != test.coverage:
        experiment_rows.update(connection, test.test_id, {"coverage": coverage})
