"""Decisions: append-only, at one with what they change, and undone by the log."""

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import RowMapping
from sqlalchemy.exc import IntegrityError

from code24.contracts.experiment import Namespace
from code24.state import NotKnownError, State, StateError, audit, decisions, experiments
from code24.state.tables import ab_tests
from tests.code24.state.conftest import NOW, decision, experiment

LATER = NOW + timedelta(hours=1)
SHIFT = {
    "decision_id": "d-shift",
    "kind": "shift",
    "variant": None,
    "evidence": {"weights": [0.1, 0.9]},
}


@pytest.fixture(autouse=True)
def _running_test(state: State) -> None:
    experiments.create_test(state, experiment(), actor="ada", now=NOW)


def _record(state: State, **changes: object) -> bool:
    return decisions.record(state, decision(**changes), actor="loop")


def _row(state: State) -> RowMapping:
    with state.read() as connection:
        return connection.execute(sa.select(ab_tests)).mappings().one()


def test_shipping_completes_the_test_with_its_winner(state: State) -> None:
    assert _record(state)
    row = _row(state)
    assert (row["status"], row["winner_variant"]) == ("complete", "v1")
    assert (row["confidence_level"], row["end_date"]) == (0.99, NOW)
    assert row["results"] == {"confidenceLevel": 0.99, "units": 1000}
    assert row["decision_id"] == "d-ship"
    assert decisions.list_decisions(state, "hero") == [decision()]


def test_stopping_completes_it_with_its_control(state: State) -> None:
    assert _record(state, kind="stop")
    row = _row(state)
    assert (row["status"], row["winner_variant"]) == ("complete", None)


@pytest.mark.parametrize("kind", ["keep", "hold"])
def test_keeping_and_holding_write_the_results_alone(state: State, kind: str) -> None:
    assert _record(state, kind=kind, variant=None)
    row = _row(state)
    assert (row["status"], row["traffic_split"]) == ("running", [0.5, 0.5])
    assert (row["confidence_level"], row["decision_id"]) == (0.99, "d-ship")


def test_shifting_sets_the_weights(state: State) -> None:
    assert _record(state, **SHIFT)
    assert experiments.get_test(state, "hero").traffic_split == (0.1, 0.9)


def test_deciding_again_on_the_same_evidence_adds_nothing(state: State) -> None:
    assert _record(state)
    assert not _record(state)
    assert len(decisions.list_decisions(state)) == 1


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"variant": "v9"}, "variant 'v9' is none of"),
        ({"variant": None}, "names no variant to ship"),
        ({"site_id": "other"}, "site is 'shop', not 'other'"),
        ({"kind": "shift"}, "must list the new weights"),
        ({**SHIFT, "evidence": {"weights": [0.1]}}, "1 weights for 2 variants"),
    ],
)
def test_a_decision_that_does_not_fit_changes_nothing(
    state: State, changes: dict[str, object], problem: str
) -> None:
    before = _row(state)
    with pytest.raises(StateError, match=problem):
        _record(state, **changes)
    assert _row(state) == before
    assert decisions.list_decisions(state) == []


def test_nothing_is_decided_about_a_complete_test(state: State) -> None:
    _record(state)
    with pytest.raises(StateError, match="is complete, so nothing is to be decided"):
        _record(state, decision_id="d-2", kind="keep")


def test_nothing_is_decided_about_an_unknown_test(state: State) -> None:
    with pytest.raises(NotKnownError, match="test 'gone' is not known"):
        _record(state, test_id="gone")


@pytest.mark.parametrize("table", ["decisions", "audit_log"])
@pytest.mark.parametrize("change", ["UPDATE {} SET actor = 'x'", "DELETE FROM {}"])
def test_the_logs_are_append_only(state: State, table: str, change: str) -> None:
    _record(state)
    with (
        pytest.raises(IntegrityError, match=f"{table} is append-only"),
        state.write() as connection,
    ):
        connection.execute(sa.text(change.format(table)))


@pytest.mark.parametrize(
    "values",
    [
        {"results": {"by": "hand"}},
        {"confidence_level": 0.5},
        {"status": "complete", "winner_variant": "v0"},
        {"results": {"by": "hand"}, "decision_id": "d-keep"},
        {"results": {"by": "hand"}, "decision_id": "made-up"},
        {"results": {"by": "hand"}, "decision_id": None},
        {"decision_id": None},
    ],
)
def test_outcomes_are_written_with_a_new_decision_only(
    state: State, values: dict[str, object]
) -> None:
    _record(state, kind="keep", decision_id="d-keep", variant=None)
    with (
        pytest.raises(IntegrityError, match="only together with a new decision"),
        state.write() as connection,
    ):
        connection.execute(sa.update(ab_tests).values(values))


def test_a_test_cannot_be_inserted_with_an_outcome(state: State) -> None:
    copied = {**_row(state), "id": "copy", "confidence_level": 0.9}
    with (
        pytest.raises(IntegrityError, match="only together with a new decision"),
        state.write() as connection,
    ):
        connection.execute(sa.insert(ab_tests).values(copied))


@pytest.mark.parametrize("kind", ["ship", "stop"])
def test_undoing_brings_the_test_back(state: State, kind: str) -> None:
    _record(state, kind=kind)
    undoing = decisions.undo(state, "d-ship", actor="ada", now=LATER)
    row = _row(state)
    assert (row["status"], row["winner_variant"], row["end_date"]) == (
        "running",
        None,
        None,
    )
    assert row["decision_id"] == undoing.decision_id
    assert [d.kind for d in decisions.list_decisions(state)] == [kind, "keep"]
    assert undoing.evidence == {"undoes": "d-ship"}
    entry = audit.list_entries(state, subject="test:hero")[0]
    assert (entry.action, entry.actor, entry.at) == ("decision.undo", "ada", LATER)


def test_undoing_a_shift_brings_the_weights_back(state: State) -> None:
    _record(state, **SHIFT)
    _record(state, decision_id="d-keep", kind="keep", variant=None)
    decisions.undo(state, "d-shift", actor="ada", now=LATER)
    assert experiments.get_test(state, "hero").traffic_split == (0.5, 0.5)


def test_what_was_undone_is_not_decided_again_on_the_same_evidence(
    state: State,
) -> None:
    _record(state)
    decisions.undo(state, "d-ship", actor="ada", now=LATER)
    assert not _record(state)
    assert experiments.get_test(state, "hero").status == "running"


def test_undoing_goes_backwards_one_at_a_time(state: State) -> None:
    _record(state, **SHIFT)
    _record(state)
    with pytest.raises(StateError, match="is not the last: undo 'd-ship' first"):
        decisions.undo(state, "d-shift", actor="ada", now=LATER)
    decisions.undo(state, "d-ship", actor="ada", now=LATER)
    decisions.undo(state, "d-shift", actor="ada", now=LATER + timedelta(hours=1))
    found = experiments.get_test(state, "hero")
    assert (found.status, found.traffic_split) == ("running", (0.5, 0.5))


def test_undoing_twice_is_refused(state: State) -> None:
    _record(state)
    decisions.undo(state, "d-ship", actor="ada", now=LATER)
    with pytest.raises(StateError, match="is undone already"):
        decisions.undo(state, "d-ship", actor="ada", now=LATER)


def test_a_decision_that_changed_nothing_cannot_be_undone(state: State) -> None:
    _record(state, kind="keep", variant=None)
    with pytest.raises(StateError, match="nothing to undo"):
        decisions.undo(state, "d-ship", actor="ada", now=LATER)


def test_an_unknown_decision_is_named(state: State) -> None:
    with pytest.raises(NotKnownError, match="decision 'gone' is not known"):
        decisions.undo(state, "gone", actor="ada", now=LATER)


def test_a_decision_is_audited_with_both_ends(state: State) -> None:
    _record(state)
    entry = audit.list_entries(state, subject="test:hero")[0]
    assert (entry.action, entry.actor) == ("decision.ship", "loop")
    assert (entry.before["status"], entry.after["status"]) == ("running", "complete")


def test_an_operator_ships_on_what_the_last_analysis_knew(state: State) -> None:
    _record(state, kind="keep", variant=None)
    shipped = decisions.conclude(
        state, "hero", "v1", reason="the ads say so", actor="ada", now=LATER
    )
    row = _row(state)
    assert (row["status"], row["winner_variant"]) == ("complete", "v1")
    assert row["results"] == {"confidenceLevel": 0.99, "units": 1000, "by": "ada"}
    assert shipped.reason == "ada decided to ship 'v1': the ads say so"
    assert (shipped.is_claimed, shipped.policy) == (False, {"by": "ada"})


def test_an_operator_stops_a_paused_test_before_any_analysis(state: State) -> None:
    experiments.transition(state, "hero", "paused", actor="ada", now=LATER)
    stopped = decisions.conclude(
        state, "hero", None, reason="sold out", actor="ada", now=LATER
    )
    assert (stopped.kind, stopped.evidence) == ("stop", {"by": "ada"})
    assert experiments.get_test(state, "hero").status == "complete"


@pytest.mark.parametrize(
    ("variant", "reason"),
    [("v0", "is the control: stop the test"), ("v9", "is none of")],
)
def test_only_a_variant_that_changes_something_is_shipped(
    state: State, variant: str, reason: str
) -> None:
    with pytest.raises(StateError, match=reason):
        decisions.conclude(state, "hero", variant, reason="", actor="ada", now=LATER)
    assert decisions.list_decisions(state) == []


def test_the_last_decision_in_force_is_undone_and_then_there_is_none(
    state: State,
) -> None:
    _record(state)
    undone = decisions.undo_last(state, "hero", actor="ada", now=LATER)
    assert undone.evidence == {"undoes": "d-ship"}
    assert experiments.get_test(state, "hero").status == "running"
    with pytest.raises(StateError, match="nothing to undo"):
        decisions.undo_last(state, "hero", actor="ada", now=LATER)


def test_an_undo_waits_for_its_slice_of_a_namespace(state: State) -> None:
    part = Namespace(name="top", low=0.0, high=0.5)
    one = experiment(test_id="one", namespace=part)
    experiments.create_test(state, one, actor="ada", now=NOW)
    _record(state, test_id="one")
    two = experiment(test_id="two", namespace=part)
    experiments.create_test(state, two, actor="ada", now=LATER)
    with pytest.raises(StateError, match="overlaps test 'two'"):
        decisions.undo(state, "d-ship", actor="ada", now=LATER)
    assert experiments.get_test(state, "one").status == "complete"
