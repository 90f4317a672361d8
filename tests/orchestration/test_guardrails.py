"""A crossed guardrail switches off at once; the analysis rolls back, or clears it."""

from collections.abc import Iterator
from datetime import timedelta

import polars as pl
import pytest

from code24.contracts.message import WorkerMessage
from code24.publishing import publish
from code24.releases import Publisher, Reader
from code24.settings import Settings
from code24.state import (
    State,
    alarms,
    audit,
    decisions,
    experiments,
    messages,
    open_state,
    requests,
    site_policies,
)
from models.experiments.analysis import analyze
from orchestration import guardrails
from orchestration.defs.decisions.assets import decide_all
from tests.models.experiments import frames
from tests.orchestration.homes import NOW, fill_state

LATER = NOW + timedelta(seconds=2)


@pytest.fixture
def state(settings: Settings) -> Iterator[State]:
    with open_state(settings.database_url) as opened:
        fill_state(opened)
        publish(settings, {})
        yield opened


def cross(state: State, test_id: str = "wins") -> None:
    message = WorkerMessage(
        type="analytics_event",
        site_id="shop",
        priority="urgent",
        payload={
            "threshold": "guardrail_drop",
            "value": 0.5,
            "limit": 0.1,
            "testId": test_id,
            "variantId": "new",
        },
        timestamp=0,
    )
    messages.put(state, message, actor="collector", now=NOW)


def off(settings: Settings) -> tuple[str, ...]:
    return Reader(settings.releases, settings.keys / "verify.pub").switches().tests_off


def analysed(conversions: int) -> pl.DataFrame:
    table = frames.stats({"wins": [(4_000, 400), (4_000, conversions)]}).with_columns(
        pl.col("variant_id").replace({"v0": "old", "v1": "new"})
    )
    return analyze(table, frames.weights(table))


def test_a_crossing_switches_its_test_off_once(
    settings: Settings, state: State
) -> None:
    assert guardrails.switch_off_crossed(settings, state, now=NOW) == []
    cross(state)
    for _ in range(2):
        assert guardrails.switch_off_crossed(settings, state, now=NOW) == ["wins"]
    assert off(settings) == ("wins",)
    (alarm,) = alarms.list_alarms(state, "shop")
    assert (alarm.variant, alarm.value, alarm.tolerated) == ("new", 0.5, 0.1)
    entries = audit.list_entries(state, subject="test:wins")
    assert [e.action for e in entries if e.actor == guardrails.ACTOR] == [
        "guardrail.crossed"
    ]
    requests.messages_to_jobs(state, "worker", now=NOW)
    assert guardrails.switch_off_crossed(settings, state, now=NOW) == []
    assert off(settings) == ("wins",)


def test_the_analysis_rolls_back_even_where_decisions_wait_for_approval(
    settings: Settings, state: State
) -> None:
    site_policies.set_policy(
        state, "shop", is_approval_needed=True, actor="ada", now=NOW
    )
    cross(state)
    guardrails.switch_off_crossed(settings, state, now=NOW)
    (taken,), added = decide_all(settings, analysed(200))
    assert (taken.kind, added) == ("stop", [taken.decision_id])
    assert taken.reason.startswith("Rolled back")
    assert off(settings) == ("wins",)
    publish(settings, {})
    assert len(guardrails.lift_ended(settings, state, now=LATER)) == 1
    assert off(settings) == ()
    (alarm,) = alarms.list_alarms(state)
    assert (alarm.outcome, alarm.settled_at) == ("ended", LATER)
    decisions.undo_last(state, "wins", actor="ada", now=LATER)
    assert experiments.get_test(state, "wins").status == "running"


def test_an_alarm_that_is_not_borne_out_is_cleared(
    settings: Settings, state: State
) -> None:
    cross(state)
    guardrails.switch_off_crossed(settings, state, now=NOW)
    decide_all(settings, analysed(5_000))
    assert off(settings) == ("wins",), "counts that are no counts clear nothing"
    decide_all(settings, analysed(398))
    assert off(settings) == ()
    (alarm,) = alarms.list_alarms(state)
    assert alarm.outcome == "cleared"
    assert experiments.get_test(state, "wins").status == "running"


def test_what_an_operator_switched_off_stays_the_operator_s(
    settings: Settings, state: State
) -> None:
    Publisher(settings.releases, settings.keys).set_switches((), ("wins",))
    cross(state)
    assert guardrails.switch_off_crossed(settings, state, now=NOW) == []
    decide_all(settings, analysed(398))
    assert off(settings) == ("wins",)


def test_a_test_that_does_not_run_raises_no_alarm(
    settings: Settings, state: State
) -> None:
    experiments.transition(state, "wins", "paused", actor="ada", now=NOW)
    cross(state)
    cross(state, "unknown")
    assert guardrails.switch_off_crossed(settings, state, now=NOW) == []
    assert off(settings) == ()


def test_a_release_folder_that_refuses_leaves_the_alarm_open(
    settings: Settings, state: State
) -> None:
    cross(state)
    key = settings.keys / "signing.key"
    moved = key.rename(key.with_suffix(".away"))
    assert guardrails.switch_off_crossed(settings, state, now=NOW) == ["wins"]
    moved.rename(key)
    assert off(settings) == ()
    assert guardrails.switch_off_crossed(settings, state, now=NOW) == ["wins"]
    assert off(settings) == ("wins",)
