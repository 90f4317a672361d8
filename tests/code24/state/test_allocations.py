"""Rules of allocation: set, audited, undone with the shares they moved."""

from datetime import timedelta

import pytest

from code24.contracts.allocation import Allocation
from code24.contracts.metric import Metric
from code24.state import State, StateError, allocations, audit, decisions, experiments
from code24.state.errors import InvalidError
from tests.code24.state.conftest import NOW, decision, experiment

LATER = NOW + timedelta(days=1)


@pytest.fixture
def hero(state: State) -> State:
    experiments.create_test(state, experiment(coverage=0.8), actor="ada", now=NOW)
    return state


def rule(state: State, **fields: object) -> Allocation:
    wanted = Allocation(**{"test_id": "hero", **fields})  # type: ignore[arg-type]
    return allocations.set_allocation(state, wanted, actor="ada", now=NOW)


def test_a_test_has_fixed_shares_until_a_rule_is_set(hero: State) -> None:
    assert allocations.get_allocation(hero, "hero").kind == "fixed"
    made = rule(hero, kind="bandit", floor=0.1)
    assert allocations.get_allocation(hero, "hero") == made
    assert allocations.list_allocations(hero) == {"hero": made}
    rule(hero, kind="bandit", floor=0.1)
    entries = audit.list_entries(hero, subject="test:hero")
    assert [e.action for e in entries] == ["test.allocation", "test.create"]
    rule(hero)
    assert allocations.list_allocations(hero) == {}


def test_a_roll_out_begins_with_its_first_step_and_keeps_its_target(
    hero: State,
) -> None:
    made = rule(hero, kind="rollout", steps=(0.1, 0.5, 1.0))
    assert made.target == 0.8
    covered = experiments.get_test(hero, "hero").coverage
    assert covered == pytest.approx(0.08)
    experiments.create_test(hero, experiment(coverage=0.8), actor="ada", now=NOW)
    rule(hero, kind="rollout", steps=(0.2, 1.0))
    assert experiments.get_test(hero, "hero").coverage == covered
    rule(hero)
    assert experiments.get_test(hero, "hero").coverage == 0.8


def test_a_shift_of_coverage_moves_no_weights_and_is_undone(hero: State) -> None:
    shift = decision(
        decision_id="d-more",
        kind="shift",
        variant=None,
        evidence={decisions.COVERAGE: 1.0},
        decided_at=LATER,
    )
    decisions.record(hero, shift, actor="loop")
    test = experiments.get_test(hero, "hero")
    assert (test.coverage, test.traffic_split) == (1.0, (0.5, 0.5))
    decisions.undo(hero, "d-more", actor="ada", now=LATER)
    assert experiments.get_test(hero, "hero").coverage == 0.8
    wrong = decision(
        decision_id="d-odd", kind="shift", variant=None, evidence={"coverage": 2.0}
    )
    with pytest.raises(StateError, match="coverage"):
        decisions.record(hero, wrong, actor="loop")


def test_rules_that_no_test_can_have_are_refused(hero: State) -> None:
    with pytest.raises(InvalidError, match="floor"):
        rule(hero, kind="bandit", floor=0.6)
    value = Metric(metric_id="revenue", kind="value", role="goal")
    made = experiment(test_id="money", metrics=(value,))
    experiments.create_test(hero, made, actor="ada", now=NOW)
    with pytest.raises(InvalidError, match="'revenue' is another"):
        rule(hero, test_id="money", kind="bandit")
    experiments.transition(hero, "hero", "complete", actor="ada", now=NOW)
    with pytest.raises(StateError, match="its shares stay"):
        rule(hero, kind="bandit")
