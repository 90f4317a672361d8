"""Drafts start in their order while slots are free, and never beyond them."""

from datetime import timedelta

import msgspec
import pytest

from code24.state import State, audit, experiments, forecasts, site_policies, slots
from code24.state.errors import InvalidError
from tests.code24.state.conftest import NOW, experiment
from tests.code24.state.test_forecasts import PLAN

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


def _plan(state: State, worth_a_day: float) -> None:
    outlook = msgspec.structs.replace(PLAN.outlook, worth_a_day=worth_a_day)
    told = msgspec.structs.replace(PLAN, outlook=outlook)
    for asked in forecasts.due(state, now=NOW):
        forecasts.tell(state, asked, told, now=NOW)


def test_a_slot_is_worth_what_the_best_that_waits_would_bring(state: State) -> None:
    _draft(state, "a", 0)
    _plan(state, 0.0001)
    _draft(state, "b", 1)
    _plan(state, 0.0007)
    assert slots.costs(state) == {}
    slots.set_slots(state, "shop", 2, actor="ada", now=NOW)
    free = slots.get_queue(state, "shop")
    assert (free.starting, free.learned_worth) == (("a", "b"), None)
    fewer = slots.get_queue(state, "shop", 1)
    assert (fewer.starting, fewer.learned_worth) == (("a",), 0.000562)
    slots.set_slots(state, "shop", 1, actor="ada", now=NOW)
    assert slots.costs(state) == {"shop": 0.000562}
    assert [waiting.test_id for waiting in fewer.drafts] == ["a", "b"]


def test_the_operators_word_on_the_worth_goes_first(state: State) -> None:
    slots.set_worth(state, "shop", 0.002, actor="ada", now=NOW)
    assert slots.costs(state) == {"shop": 0.002}
    entry = audit.list_entries(state, subject="site:shop")[0]
    assert (entry.action, entry.after) == ("site.slot_worth", 0.002)
    slots.set_worth(state, "shop", None, actor="ada", now=NOW)
    assert slots.costs(state) == {}
    with pytest.raises(InvalidError, match="must be from 0 to"):
        slots.set_worth(state, "shop", 0.5, actor="ada", now=NOW)
