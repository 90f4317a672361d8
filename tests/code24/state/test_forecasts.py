"""Questions wait for a worker, are asked once, and their answers are kept."""

from datetime import timedelta

import pytest

from code24.contracts.allocation import Allocation
from code24.contracts.forecast import (
    Assumptions,
    Foreseen,
    Outlook,
    Plan,
    PriorUsed,
    Prospect,
)
from code24.state import State, experiments, forecasts, jobs, requests
from code24.state.errors import InvalidError, NotKnownError
from tests.code24.state.conftest import NOW, experiment

LATER = NOW + timedelta(hours=1)
OUTLOOK = Outlook(
    days=9.0,
    days_90=20.0,
    chance_to_ship=0.3,
    chance_of_gain=0.9,
    gain=0.01,
    without=0.0,
    worth=0.01,
    worth_a_day=0.001,
)
PLAN = Plan(
    base_rate=0.05,
    daily_units=1_000.0,
    arms=2,
    prior=PriorUsed(group="all", tests=12, sd=0.05),
    lift=0.05,
    units_needed=120_000.0,
    days_needed=120.0,
    after=(Prospect(days=7.0, detectable=0.1, assurance=0.2),),
    outlook=OUTLOOK,
)


def _make(state: State, test_id: str, status: str) -> None:
    made = experiment(test_id=test_id, status=status)
    experiments.create_test(state, made, actor="ada", now=NOW)


def test_a_question_waits_is_answered_and_asks_for_one_job(state: State) -> None:
    _make(state, "hero", "running")
    assumed = Assumptions(base_rate=0.1)
    first = forecasts.plan(state, "hero", assumed, actor="ada", now=NOW)
    again = forecasts.plan(state, "hero", assumed, actor="ada", now=NOW)
    assert first == again
    assert requests.messages_to_jobs(state, "worker", now=NOW) == 2
    assert [job.job_type for job in jobs.list_jobs(state)] == ["forecast"]
    assert forecasts.due(state, now=NOW) == [first]
    forecasts.tell(state, first, PLAN, now=LATER)
    told = forecasts.get_forecast(state, first.forecast_id)
    assert (told.status, told.plan, told.told_at) == ("told", PLAN, LATER)
    assert forecasts.due(state, now=LATER) == []


def test_a_rule_is_checked_as_if_set_and_not_set(state: State) -> None:
    _make(state, "hero", "running")
    wrong = Allocation(test_id="hero", kind="bandit", floor=0.51)
    with pytest.raises(InvalidError, match="more than the whole"):
        forecasts.try_out(state, wrong, actor="ada", now=NOW)
    rule = Allocation(test_id="hero", kind="bandit", floor=0.1)
    asked = forecasts.try_out(state, rule, actor="ada", now=NOW)
    forecasts.tell(state, asked, Foreseen(weights=(0.4, 0.6), coverage=1.0), now=LATER)
    told = forecasts.get_forecast(state, asked.forecast_id)
    assert told.rule == rule
    assert told.foreseen is not None
    assert told.foreseen.weights == (0.4, 0.6)


def test_drafts_are_planned_unasked_once_a_day(state: State) -> None:
    _make(state, "draft", "draft")
    _make(state, "runs", "running")
    (wanted,) = forecasts.due(state, now=NOW)
    assert wanted.test_id == "draft"
    forecasts.tell(state, wanted, "site 'shop': no visitors", now=NOW)
    failed = forecasts.find_plan(state, "draft")
    assert failed is not None
    assert (failed.status, failed.problem) == ("failed", "site 'shop': no visitors")
    assert forecasts.due(state, now=LATER) == []
    tomorrow = NOW + timedelta(days=1)
    assert [each.test_id for each in forecasts.due(state, now=tomorrow)] == ["draft"]


def test_what_is_not_known_is_refused(state: State) -> None:
    with pytest.raises(NotKnownError, match="test 'none'"):
        forecasts.plan(state, "none", Assumptions(), actor="ada", now=NOW)
    with pytest.raises(NotKnownError, match="forecast 'none'"):
        forecasts.get_forecast(state, "none")
    _make(state, "hero", "running")
    assert forecasts.find_plan(state, "hero") is None
