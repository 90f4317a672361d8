"""Drafts start in their order while slots are free, and never beyond them."""

from datetime import timedelta

import pytest

from code24.state import State, audit, experiments, site_policies, slots
from code24.state.errors import InvalidError
from tests.code24.state.conftest import NOW, experiment

LATER = NOW + timedelta(hours=1)


def _draft(state: State, test_id: str, hours: int, **fields: object) -> None:
    made = experiment(test_id=test_id, status="draft", **fields)
    at = NOW + timedelta(hours=hours)
    experiments.create_test(state, made, actor="ada", now=at)


def _fill(state: State) -> list[str]:
    return slots.fill(state, actor="schedule", now=LATER)


def test_the_oldest_drafts_start_while_slots_are_free(state: State) -> None:
    for number, name in enumerate(("c", "a", "b")):
        _draft(state, name, number)
    _draft(state, "planned", -1, planned_start_date=NOW + timedelta(days=9))
    assert _fill(state) == []
    slots.set_slots(state, "shop", 2, actor="ada", now=NOW)
    assert _fill(state) == ["c", "a"]
    assert _fill(state) == []
    experiments.transition(state, "c", "paused", actor="ada", now=LATER)
    assert _fill(state) == []
    experiments.transition(state, "a", "complete", actor="ada", now=LATER)
    assert _fill(state) == ["b"]
    entry = audit.list_entries(state, subject="test:b")[0]
    assert (entry.actor, entry.after["reason"]) == ("schedule", slots.QUEUED)


def test_where_decisions_wait_for_approval_nothing_starts(state: State) -> None:
    _draft(state, "a", 0)
    slots.set_slots(state, "shop", 1, actor="ada", now=NOW)
    site_policies.set_policy(
        state, "shop", is_approval_needed=True, actor="ada", now=NOW
    )
    assert _fill(state) == []


def test_slots_are_audited_and_bounded(state: State) -> None:
    assert slots.get_slots(state, "shop") == 0
    slots.set_slots(state, "shop", 3, actor="ada", now=NOW)
    slots.set_slots(state, "shop", 3, actor="ada", now=NOW)
    entries = audit.list_entries(state, subject="site:shop")
    assert [e.action for e in entries].count("site.slots") == 1
    with pytest.raises(InvalidError, match="must be from 0 to 1,000"):
        slots.set_slots(state, "shop", -1, actor="ada", now=NOW)
