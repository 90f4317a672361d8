"""The decision log, and what each decision does to its test."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy.engine import Connection, RowMapping

from code24.contracts.decision import Decision, DecisionKind
from code24.contracts.experiment import Experiment
from code24.contracts.message import WorkerMessage
from code24.contracts.wire import digest
from code24.state import audit, experiment_rows, messages, requests, schedule
from code24.state.checked import checked
from code24.state.errors import NotKnownError, StateError
from code24.state.experiments import refuse_overlap, with_weights
from code24.state.store import State
from code24.state.tables import decisions as log

CONFIDENCE = "confidenceLevel"
"""Key of ``evidence``: what ``ab_tests.confidence_level`` becomes, 0 to 1."""
WEIGHTS = "weights"
"""Key of ``evidence``: a shift's new weights, in the order of the variants."""
COVERAGE = "coverage"
"""Key of ``evidence``: the share of visitors that take part from a shift on."""
CHANGED: dict[str, tuple[str, ...]] = {
    "ship": ("status", "end_date", "winner_variant"),
    "stop": ("status", "end_date", "winner_variant"),
    "shift": ("traffic_split", "coverage"),
}
"""What a kind changes of its test; keep and hold change nothing a visitor sees."""
ENDS = frozenset({"ship", "stop"})
"""The kinds that end a test; each is told in a ``test_result`` message."""


class Before(msgspec.Struct, frozen=True):
    """The test as a decision found it, so that an undo can go back to it."""

    status: str
    traffic_split: tuple[float, ...]
    end_date: datetime | None
    winner_variant: str | None
    coverage: float | None = None
    """None in entries of before shifts could change it."""


def record(state: State, decision: Decision, *, actor: str) -> bool:
    """Add a decision and do what it says, at once; return whether it was new.

    ``ship`` completes the test with its winner, ``stop`` without one, ``shift``
    sets ``evidence["weights"]`` or ``evidence["coverage"]``; each kind writes
    ``results`` (the evidence) and ``confidence_level``
    (``evidence["confidenceLevel"]``, where it is there). One that ends the test puts
    a ``test_result`` message in the same transaction.

    Raises:
        StateError: the decision does not fit its test, or the test is not under way.
        NotKnownError: there is no such test.
    """
    wanted = checked(decision)
    with state.write() as connection:
        return _record(connection, wanted, actor=actor)


def conclude(
    state: State,
    test_id: str,
    variant: str | None,
    *,
    reason: str,
    actor: str,
    now: datetime,
) -> Decision:
    """End a test by a person's word: ship a variant, or stop and keep the control.

    The evidence is what the last analysis knew; a person claims nothing proven. The
    same transaction asks for a release, so that visitors see it in seconds.

    Raises:
        StateError: the test is not under way, or has no such variant.
        NotKnownError: there is no such test.
    """
    with state.write() as connection:
        test = experiment_rows.require(connection, test_id)
        known = experiment_rows.results(connection, test_id)
        decided = _concluding(test, variant, known, reason, actor, now)
        record_and_publish(connection, decided, actor=actor)
    return decided


def record_and_publish(
    connection: Connection, decision: Decision, *, actor: str
) -> None:
    """Record what a person decided, and ask for a release, within a transaction.

    Raises:
        StateError, NotKnownError: as ``record``.
    """
    _record(connection, decision, actor=actor)
    now = decision.decided_at
    requests.publish_soon(connection, decision.site_id, actor=actor, now=now)


def _concluding(
    test: Experiment,
    variant: str | None,
    known: Mapping[str, Any],
    reason: str,
    actor: str,
    now: datetime,
) -> Decision:
    if variant == test.variants[0].variant_id:
        raise StateError(
            f"test {test.test_id!r}: {variant!r} is the control: stop the test instead"
        )
    kind: DecisionKind = "stop" if variant is None else "ship"
    verb = "stop the test" if variant is None else f"ship {variant!r}"
    return Decision(
        decision_id=digest(["conclude", test.test_id, kind, variant, actor, now])[:32],
        test_id=test.test_id,
        site_id=test.site_id,
        kind=kind,
        reason=f"{actor} decided to {verb}: {reason}",
        variant=variant,
        is_claimed=False,
        evidence={**known, "by": actor},
        policy={"by": actor},
        decided_at=now,
    )


def list_decisions(state: State, test_id: str | None = None) -> list[Decision]:
    """Return the decisions in the order they were taken; of one test where asked."""
    query = sa.select(log).order_by(log.c.sequence)
    if test_id is not None:
        query = query.where(log.c.test_id == test_id)
    with state.read() as connection:
        rows = connection.execute(query).mappings().all()
    fields = Decision.__struct_fields__
    return [Decision(**{name: row[name] for name in fields}) for row in rows]


def undo(
    state: State,
    decision_id: str,
    *,
    actor: str,
    now: datetime,
    reason: str | None = None,
) -> Decision:
    """Bring the test back to where it was before this decision.

    The log keeps both: the undoing is a decision of kind ``keep`` whose evidence
    names the one undone. Deciding again on the same evidence does not repeat it.
    The same transaction asks for a release, so that visitors see it in seconds. A
    planned end that has passed is lifted.

    Raises:
        StateError: it changed nothing, was undone, or a later one must be undone
            first.
        NotKnownError: there is no such decision.
    """
    with state.write() as connection:
        row = _find(connection, decision_id)
        if row is None:
            raise NotKnownError(f"decision {decision_id!r} is not known")
        test = experiment_rows.require(connection, row["test_id"])
        _refuse_undo(connection, row, test)
        refuse_overlap(connection, test)
        undoing = _undoing(row, actor, now, reason)
        effects = _written(undoing) | _restored(row)
        _apply(connection, test, undoing, effects, actor=actor, undoes=decision_id)
        requests.publish_soon(connection, test.site_id, actor=actor, now=now)
        if row["kind"] in ENDS:
            _tell(connection, undoing, actor=actor)
            schedule.lift_end(connection, test, actor=actor, now=now)
    return undoing


def _tell(connection: Connection, decision: Decision, *, actor: str) -> None:
    """Say that a test ended, or is under way again: what it taught is learned anew."""
    now = decision.decided_at
    message = WorkerMessage(
        type="test_result",
        site_id=decision.site_id,
        priority="medium",
        payload={
            "testId": decision.test_id,
            "decisionId": decision.decision_id,
            "decision": decision.kind,
            "variant": decision.variant,
        },
        timestamp=int(now.timestamp() * 1000),
    )
    messages.put_within(connection, message, actor=actor, now=now)


def _record(connection: Connection, wanted: Decision, *, actor: str) -> bool:
    if _find(connection, wanted.decision_id) is not None:
        return False
    test = experiment_rows.require(connection, wanted.test_id)
    _refuse_unfit(test, wanted)
    effects = _written(wanted) | _effects(test, wanted)
    _apply(connection, test, wanted, effects, actor=actor)
    if wanted.kind in ENDS:
        _tell(connection, wanted, actor=actor)
    return True


def undo_last(
    state: State, test_id: str, *, actor: str, now: datetime, reason: str | None = None
) -> Decision:
    """Undo the decision that made the test what it is.

    Raises:
        StateError: no decision has changed anything, or it cannot be undone.
        NotKnownError: there is no such test.
    """
    with state.read() as connection:
        experiment_rows.require(connection, test_id)
        last = _last_in_force(connection, test_id)
    if last is None:
        raise StateError(f"test {test_id!r}: no decision is in force: nothing to undo")
    return undo(state, last, actor=actor, now=now, reason=reason)


def _refuse_unfit(test: Experiment, decision: Decision) -> None:
    name = f"decision {decision.decision_id!r} ({decision.kind}), test {test.test_id!r}"
    if decision.site_id != test.site_id:
        raise StateError(f"{name}: site is {test.site_id!r}, not {decision.site_id!r}")
    if test.status not in {"running", "paused"}:
        raise StateError(f"{name}: is {test.status}, so nothing is to be decided")
    ids = [variant.variant_id for variant in test.variants]
    if decision.variant is not None and decision.variant not in ids:
        raise StateError(f"{name}: variant {decision.variant!r} is none of {ids}")
    if decision.kind == "ship" and decision.variant is None:
        raise StateError(f"{name}: names no variant to ship")


def _written(decision: Decision) -> dict[str, Any]:
    """Return the columns that every decision writes."""
    return {
        "results": decision.evidence,
        "confidence_level": decision.evidence.get(CONFIDENCE),
        "decision_id": decision.decision_id,
    }


def _effects(test: Experiment, decision: Decision) -> dict[str, Any]:
    """Return the columns that this kind of decision changes."""
    if decision.kind == "shift":
        return _shifted(test, decision)
    if decision.kind not in CHANGED:
        return {}
    return {
        "status": "complete",
        "end_date": decision.decided_at,
        "winner_variant": decision.variant if decision.kind == "ship" else None,
    }


def _shifted(test: Experiment, decision: Decision) -> dict[str, Any]:
    """Return the new weights, or the new coverage, whichever the evidence names."""
    coverage = decision.evidence.get(COVERAGE)
    if coverage is not None:
        return {"coverage": checked(replace(test, coverage=coverage)).coverage}
    weights = decision.evidence.get(WEIGHTS)
    if not isinstance(weights, list):
        raise StateError(
            f"decision {decision.decision_id!r} (shift): evidence[{WEIGHTS!r}] must "
            f"list the new weights, not {weights!r}"
        )
    return {"traffic_split": with_weights(test, weights).traffic_split}


def _restored(row: RowMapping) -> dict[str, Any]:
    before = msgspec.convert(row["before"], Before)
    values = {name: getattr(before, name) for name in CHANGED[row["kind"]]}
    if before.coverage is None:
        values.pop("coverage", None)
    return values


def _apply(
    connection: Connection,
    test: Experiment,
    decision: Decision,
    effects: dict[str, Any],
    *,
    actor: str,
    undoes: str | None = None,
) -> None:
    before = Before(
        test.status,
        test.traffic_split,
        test.end_date,
        test.winner_variant,
        test.coverage,
    )
    row = msgspec.structs.asdict(decision)
    query = sa.insert(log).values(**row, actor=actor, before=before, undoes=undoes)
    connection.execute(query)
    experiment_rows.update(connection, test.test_id, effects)
    if "traffic_split" in effects:
        experiment_rows.put_weights(
            connection, test.test_id, effects["traffic_split"], decision.decided_at
        )
    audit.append(
        connection,
        "decision.undo" if undoes else f"decision.{decision.kind}",
        f"test:{test.test_id}",
        actor=actor,
        now=decision.decided_at,
        before=before,
        after=effects,
    )


def _refuse_undo(connection: Connection, row: RowMapping, test: Experiment) -> None:
    name = f"decision {row['decision_id']!r} ({row['kind']})"
    if row["kind"] not in CHANGED:
        raise StateError(f"{name} changed nothing that a visitor sees: nothing to undo")
    if row["decision_id"] in _undone(connection, test.test_id):
        raise StateError(f"{name} is undone already")
    last = _last_in_force(connection, test.test_id)
    if last != row["decision_id"]:
        raise StateError(f"{name} is not the last: undo {last!r} first")
    if row["kind"] == "shift" and test.status == "complete":
        raise StateError(f"{name}: test {test.test_id!r} is complete: its weights stay")


def _undone(connection: Connection, test_id: str) -> set[str | None]:
    query = sa.select(log.c.undoes).where(
        log.c.test_id == test_id, log.c.undoes.is_not(None)
    )
    return set(connection.execute(query).scalars())


def _last_in_force(connection: Connection, test_id: str) -> str | None:
    query = (
        sa.select(log.c.decision_id)
        .where(log.c.test_id == test_id, log.c.kind.in_(CHANGED))
        .order_by(log.c.sequence.desc())
    )
    undone = _undone(connection, test_id)
    effective = connection.execute(query).scalars().all()
    return next((found for found in effective if found not in undone), None)


def _undoing(
    row: RowMapping, actor: str, now: datetime, reason: str | None
) -> Decision:
    undone = row["decision_id"]
    end = "." if reason is None else f": {reason}"
    return Decision(
        decision_id=digest(["undo", undone])[:32],
        test_id=row["test_id"],
        site_id=row["site_id"],
        kind="keep",
        reason=f"{actor} undid the decision to {row['kind']} ({undone}){end}",
        variant=None,
        is_claimed=False,
        evidence={"undoes": undone},
        policy={"by": actor},
        decided_at=now,
    )


def _find(connection: Connection, decision_id: str) -> RowMapping | None:
    query = sa.select(log).where(log.c.decision_id == decision_id)
    return connection.execute(query).mappings().first()
