"""The tests: made, started, paused, ended; and the finished ones sites bring."""

from collections.abc import Sequence
from datetime import datetime

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from code24 import changes
from code24.contracts.experiment import Experiment, Namespace, TestStatus
from code24.state import (
    allocations,
    audit,
    experiment_rows,
    requests,
    saved_groups,
    sites,
)
from code24.state.checked import checked
from code24.state.errors import InvalidError, StateError
from code24.state.past import import_past, list_past
from code24.state.store import State
from code24.state.tables import ab_tests, erased_sites, test_plans, weight_history

__all__ = [
    "check_test",
    "create_test",
    "free_slice",
    "get_test",
    "import_past",
    "list_past",
    "list_tests",
    "move",
    "note_release",
    "refuse_overlap",
    "set_weights",
    "transition",
]

NEXT: dict[TestStatus, frozenset[TestStatus]] = {
    "draft": frozenset({"running"}),
    "running": frozenset({"paused", "complete"}),
    "paused": frozenset({"running", "complete"}),
    "complete": frozenset(),
}
"""Where a test may go from where it is; only an undone decision leads back."""
ROUNDING = 1e-9
"""Shares are sums of decimal fractions, which binary ones are not quite."""
IDS = 10_000
"""Ids in one statement; SQLite takes 32,766 values."""


def create_test(
    state: State, experiment: Experiment, *, actor: str, now: datetime
) -> Experiment:
    """Add a test; one that is there with an equal definition is returned as it is.

    The definition is what it was made with: status, dates, winner and later
    weights do not count. Running tests without ``start_date`` start ``now``.

    Raises:
        StateError: a field is wrong, the test is complete, or one with the same id
            differs.
        NotKnownError: its site is not known.
    """
    wanted = _vetted(experiment)
    with state.write() as connection:
        known = _known(connection, wanted)
        return known or _insert(connection, _started(wanted, now), actor=actor, now=now)


def check_test(state: State, experiment: Experiment) -> None:
    """Pass where ``create_test`` would add the test, or find it there and equal.

    Raises:
        StateError, NotKnownError: as ``create_test``.
    """
    wanted = _vetted(experiment)
    with state.read() as connection:
        _known(connection, wanted)


def list_tests(
    state: State, site_id: str | None = None, status: TestStatus | None = None
) -> list[Experiment]:
    """Return the tests, by id; of one site or status where asked.

    Those of an erased site, kept for the decisions about them, are not among them.
    """
    query = experiment_rows.select_tests().order_by(ab_tests.c.id)
    query = query.where(ab_tests.c.site_id.not_in(sa.select(erased_sites.c.site_id)))
    if site_id is not None:
        query = query.where(ab_tests.c.site_id == site_id)
    if status is not None:
        query = query.where(ab_tests.c.status == status)
    with state.read() as connection:
        rows = connection.execute(query).mappings().all()
    return [experiment_rows.experiment_of(row) for row in rows]


def get_test(state: State, test_id: str) -> Experiment:
    """Return one test.

    Raises:
        NotKnownError: there is no such test.
    """
    with state.read() as connection:
        return experiment_rows.require(connection, test_id)


def transition(
    state: State,
    test_id: str,
    to: TestStatus,
    *,
    actor: str,
    now: datetime,
    reason: str | None = None,
) -> Experiment:
    """Bring a test into another status; completed this way it keeps its control.

    The same transaction asks for a release, so that visitors see it in seconds. The
    audit log keeps the reason.

    Raises:
        StateError: there is no such way; names both statuses.
        NotKnownError: there is no such test.
    """
    with state.write() as connection:
        test = experiment_rows.require(connection, test_id)
        return move(connection, test, to, actor=actor, now=now, reason=reason)


def move(
    connection: Connection,
    test: Experiment,
    to: TestStatus,
    *,
    actor: str,
    now: datetime,
    reason: str | None = None,
) -> Experiment:
    """Bring a test into another status within a transaction, as ``transition``.

    Raises:
        StateError: there is no such way; names both statuses.
    """
    if to not in NEXT[test.status]:
        allowed = ", ".join(sorted(NEXT[test.status])) or "nothing"
        raise StateError(
            f"test {test.test_id!r} is {test.status} and cannot become {to}: "
            f"{allowed} can follow"
        )
    changed = _moved(test, to, now)
    why = {} if reason is None else {"reason": reason}
    _update(connection, test, changed, f"test.{to}", actor=actor, now=now, **why)
    requests.publish_soon(connection, test.site_id, actor=actor, now=now)
    return changed


def set_weights(
    state: State,
    test_id: str,
    weights: Sequence[float],
    *,
    actor: str,
    now: datetime,
) -> Experiment:
    """Plan another share of visitors for each variant, from ``now`` on.

    The same transaction asks for a release, so that visitors see it in seconds.

    Raises:
        StateError: the weights do not fit the variants, or the test is complete.
        NotKnownError: there is no such test.
    """
    with state.write() as connection:
        test = experiment_rows.require(connection, test_id)
        if test.status == "complete":
            raise StateError(f"test {test_id!r} is complete: its weights stay")
        changed = with_weights(test, weights)
        _update(connection, test, changed, "test.weights", actor=actor, now=now)
        experiment_rows.put_weights(connection, test_id, weights, now)
        requests.publish_soon(connection, test.site_id, actor=actor, now=now)
    return changed


def with_weights(test: Experiment, weights: Sequence[float]) -> Experiment:
    """Return the test with these weights.

    Raises:
        StateError: they do not fit its variants, or visitors keep theirs.
    """
    if test.sticky_bucketing is not None:
        raise InvalidError(
            f"test {test.test_id!r}: its visitors keep their variant "
            "(stickyBucketing), so they would not see other weights; make another test"
        )
    try:
        return checked(msgspec.structs.replace(test, traffic_split=tuple(weights)))
    except ValueError as error:
        raise StateError(str(error)) from error


def refuse_overlap(connection: Connection, wanted: Experiment) -> None:
    """Pass unless another unfinished test has a part of the test's slice.

    Raises:
        StateError: one has; names it and what it has.
    """
    if wanted.namespace is None:
        return
    for other, taken in _slices(connection, wanted.site_id, wanted.namespace.name):
        if other == wanted.test_id:
            continue
        if taken.low < wanted.namespace.high and wanted.namespace.low < taken.high:
            raise StateError(
                f"test {wanted.test_id!r}: namespace {taken.name!r} from "
                f"{wanted.namespace.low:g} to {wanted.namespace.high:g} overlaps test "
                f"{other!r}, which has {taken.low:g} to {taken.high:g}: take another "
                "part, or end that test"
            )


def note_release(
    state: State,
    release_id: str,
    test_ids: Sequence[str],
    *,
    actor: str,
    now: datetime,
) -> int:
    """Note the release that first served the weights; return how many it did."""
    unserved = sa.update(weight_history).where(weight_history.c.release_id.is_(None))
    served = unserved.values(release_id=release_id)
    parts = (test_ids[at : at + IDS] for at in range(0, len(test_ids), IDS))
    queries = [served.where(weight_history.c.test_id.in_(part)) for part in parts]
    with state.write() as connection:
        count = sum(connection.execute(query).rowcount for query in queries)
        if count:
            subject, after = f"release:{release_id}", {"weight_rows": count}
            audit.append(
                connection,
                "release.weights",
                subject,
                actor=actor,
                now=now,
                after=after,
            )
    return count


def _vetted(experiment: Experiment) -> Experiment:
    """Refuse what no test may be; a change that no page may get holds up releases."""
    wanted = checked(experiment)
    if wanted.status == "complete" or wanted.winner_variant is not None:
        raise InvalidError(
            f"test {wanted.test_id!r}: status complete: a finished test is imported "
            "as a past experiment, and a winner is set by a decision"
        )
    for variant in wanted.variants:
        for change in variant.changes:
            try:
                changes.validate(change)
            except changes.ChangeError as error:
                raise InvalidError(f"test {wanted.test_id!r}: {error}") from error
    return wanted


def _known(connection: Connection, wanted: Experiment) -> Experiment | None:
    """Return the test where it is there and equal; refuse one that cannot be added."""
    known = experiment_rows.find(connection, wanted.test_id)
    if known is not None:
        return _same(connection, known, wanted)
    sites.require(connection, wanted.site_id)
    saved_groups.require_groups(connection, wanted)
    refuse_overlap(connection, wanted)
    return None


def _insert(
    connection: Connection, test: Experiment, *, actor: str, now: datetime
) -> Experiment:
    experiment_rows.insert(connection, test)
    from_at = test.start_date or now
    experiment_rows.put_weights(connection, test.test_id, test.traffic_split, from_at)
    subject = f"test:{test.test_id}"
    audit.append(connection, "test.create", subject, actor=actor, now=now, after=test)
    return test


def _slices(
    connection: Connection, site_id: str, name: str
) -> list[tuple[str, Namespace]]:
    """Return the unfinished tests of a site that have a slice of a namespace."""
    query = experiment_rows.select_tests().where(
        ab_tests.c.site_id == site_id,
        ab_tests.c.status != "complete",
        test_plans.c.namespace == name,
    )
    rows = connection.execute(query.order_by(test_plans.c.low)).mappings()
    tests = [experiment_rows.experiment_of(row) for row in rows]
    return [(test.test_id, test.namespace) for test in tests if test.namespace]


def free_slice(state: State, site_id: str, name: str, share: float) -> Namespace:
    """Return the first part of a namespace that no unfinished test has.

    Raises:
        StateError: the share is not in (0, 1], or no part so large is free.
    """
    if not 0 < share <= 1:
        raise StateError(f"share {share:g} of namespace {name!r}: must be in (0, 1]")
    with state.read() as connection:
        taken = [part for _, part in _slices(connection, site_id, name)]
    low = 0.0
    for part in taken:
        if part.low - low >= share - ROUNDING:
            break
        low = max(low, part.high)
    high = round(low + share, 6)
    if high > 1 + ROUNDING:
        raise StateError(
            f"namespace {name!r} of site {site_id!r}: no part of {share:g} is free; "
            f"taken: {', '.join(f'{p.low:g} to {p.high:g}' for p in taken)}"
        )
    return Namespace(name=name, low=low, high=min(high, 1.0))


def _started(test: Experiment, now: datetime) -> Experiment:
    if test.status == "draft" or test.start_date is not None:
        return test
    return msgspec.structs.replace(test, start_date=now)


def _moved(test: Experiment, to: TestStatus, now: datetime) -> Experiment:
    dates = {}
    if to == "running" and test.start_date is None:
        dates = {"start_date": now}
    if to == "complete":
        dates = {"end_date": now}
    return msgspec.structs.replace(test, status=to, **dates)


def _same(connection: Connection, known: Experiment, wanted: Experiment) -> Experiment:
    weights = experiment_rows.first_weights(connection, known.test_id)
    rule = allocations.find(connection, known.test_id)
    covered = known.coverage if rule is None else rule.target
    made_with = msgspec.structs.replace(known, traffic_split=weights, coverage=covered)
    for name in (
        "site_id",
        "test_type",
        "goal_type",
        "variants",
        "traffic_split",
        "coverage",
        "hash_version",
        "seed",
        "namespace",
        "targeting",
        "sticky_bucketing",
        "metrics",
    ):
        if getattr(made_with, name) != getattr(wanted, name):
            raise StateError(
                f"test {known.test_id!r} is there with another {name}: a test is "
                "not changed once made; choose another id"
            )
    return known


def _update(
    connection: Connection,
    before: Experiment,
    after: Experiment,
    action: str,
    *,
    actor: str,
    now: datetime,
    **why: str,
) -> None:
    names = ("status", "start_date", "end_date", "traffic_split")
    old, new = (
        {name: getattr(test, name) for name in names} for test in (before, after)
    )
    experiment_rows.update(connection, before.test_id, new)
    audit.append(
        connection,
        action,
        f"test:{before.test_id}",
        actor=actor,
        now=now,
        before=old,
        after={**new, **why},
    )
