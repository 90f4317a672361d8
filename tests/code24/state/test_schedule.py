"""Tests start and end at their planned time, once, and what is planned is audited."""

from datetime import timedelta

import pytest

from code24.state import (
    NotKnownError,
    State,
    StateError,
    audit,
    decisions,
    experiments,
    messages,
    requests,
    schedule,
)
from code24.state.errors import InvalidError
from tests.code24.state.conftest import NOW, decision, experiment

SOON = NOW + timedelta(hours=1)
LATER = NOW + timedelta(days=14)


def _create(state: State, **changes: object) -> None:
    experiments.create_test(state, experiment(**changes), actor="ada", now=NOW)


def _asked(state: State) -> list[object]:
    found = messages.list_messages(state)
    return [m.payload.get("testId") for m in found if m.payload["kind"] == "analysis"]


def test_a_draft_starts_at_its_time_and_is_published(state: State) -> None:
    _create(state, status="draft", planned_start_date=SOON)
    assert schedule.act(state, actor="clock", now=NOW) == []
    assert schedule.act(state, actor="clock", now=SOON) == ["hero"]
    assert schedule.act(state, actor="clock", now=SOON) == []
    test = experiments.get_test(state, "hero")
    assert (test.status, test.start_date) == ("running", SOON)
    entry = audit.list_entries(state, subject="test:hero")[0]
    assert (entry.actor, entry.after["reason"]) == ("clock", schedule.PLANNED)
    assert messages.list_messages(state)[0].payload["kind"] == "release"


def test_the_last_look_is_asked_for_once_and_anew_for_another_end(
    state: State,
) -> None:
    _create(state, planned_end_date=SOON)
    _create(state, test_id="open")
    assert schedule.act(state, actor="clock", now=NOW) == []
    assert schedule.act(state, actor="clock", now=SOON) == ["hero"]
    requests.messages_to_jobs(state, "worker", now=SOON)
    assert schedule.act(state, actor="clock", now=SOON) == []
    assert _asked(state) == ["hero"]
    schedule.set_schedule(state, "hero", starts=None, ends=LATER, actor="ada", now=SOON)
    assert schedule.act(state, actor="clock", now=SOON) == []
    assert schedule.act(state, actor="clock", now=LATER) == ["hero"]


def test_a_paused_test_does_not_end_by_itself(state: State) -> None:
    _create(state, planned_end_date=SOON)
    experiments.transition(state, "hero", "paused", actor="ada", now=NOW)
    assert schedule.act(state, actor="clock", now=LATER) == []
    experiments.transition(state, "hero", "running", actor="ada", now=LATER)
    assert schedule.act(state, actor="clock", now=LATER) == ["hero"]


def test_dates_are_changed_audited_and_no_part_of_the_definition(state: State) -> None:
    _create(state, status="draft", planned_start_date=SOON)
    dates = {"starts": None, "ends": LATER}
    planned = schedule.set_schedule(state, "hero", **dates, actor="ada", now=NOW)
    assert (planned.planned_start_date, planned.planned_end_date) == (None, LATER)
    assert experiments.get_test(state, "hero") == planned
    entry = audit.list_entries(state, subject="test:hero")[0]
    assert entry.action == "test.schedule"
    assert entry.before["planned_start_date"] is not None
    schedule.set_schedule(state, "hero", **dates, actor="ada", now=NOW)
    assert audit.list_entries(state, subject="test:hero")[0] == entry
    _create(state, status="draft", planned_start_date=SOON)


def test_dates_that_make_no_sense_are_refused(state: State) -> None:
    _create(state, status="draft")

    def plan(**dates: object) -> None:
        given = {"starts": None, "ends": None, **dates}
        schedule.set_schedule(state, "hero", **given, actor="a", now=SOON)  # type: ignore[arg-type]

    with pytest.raises(InvalidError, match="must be after plannedStartDate"):
        plan(starts=LATER, ends=LATER)
    with pytest.raises(InvalidError, match="has passed: stop it instead"):
        plan(ends=NOW)
    experiments.transition(state, "hero", "running", actor="ada", now=NOW)
    with pytest.raises(StateError, match="is running: it has started"):
        plan(starts=LATER)
    experiments.transition(state, "hero", "complete", actor="ada", now=NOW)
    with pytest.raises(StateError, match="nothing is left to be planned"):
        plan(ends=LATER)
    with pytest.raises(NotKnownError, match="'gone'"):
        schedule.set_schedule(state, "gone", starts=None, ends=None, actor="a", now=NOW)


def test_an_undo_lifts_the_end_that_came(state: State) -> None:
    _create(state, planned_end_date=SOON)
    decisions.record(state, decision(decided_at=SOON), actor="loop")
    decisions.undo(state, "d-ship", actor="ada", now=SOON)
    test = experiments.get_test(state, "hero")
    assert (test.status, test.planned_end_date) == ("running", None)
    assert schedule.act(state, actor="clock", now=LATER) == []
