"""Plans, slots and rules tried out over HTTP."""

from typing import Any

import httpx
import pytest

from code24.contracts.forecast import Foreseen
from code24.state import State, forecasts, jobs, requests
from tests.app.platform.conftest import NOW
from tests.app.platform.test_lifecycle import FRESH
from tests.code24.state.test_forecasts import PLAN


def _answered(state: State, told: Any) -> None:
    for asked in forecasts.due(state, now=NOW):
        forecasts.tell(state, asked, told, now=NOW)


def test_a_plan_is_asked_for_and_told(operator: httpx.Client, state: State) -> None:
    absent = operator.get("/v1/tests/hero/plan")
    assert (absent.status_code, "no plan yet" in absent.text) == (404, True)
    asked = operator.post("/v1/tests/hero/plan").json()
    assert (asked["status"], asked["plan"]) == ("asked", None)
    requests.messages_to_jobs(state, "worker", now=NOW)
    assert "forecast" in {job.job_type for job in jobs.list_jobs(state)}
    _answered(state, PLAN)
    told = operator.get("/v1/tests/hero/plan").json()
    assert told == operator.get(f"/v1/forecasts/{asked['forecastId']}").json()
    assert (told["status"], told["plan"]["outlook"]["worthADay"]) == ("told", 0.001)
    wrong = operator.post("/v1/tests/hero/plan", json={"baseRate": 1.5})
    assert (wrong.status_code, "baseRate" in wrong.text) == (400, True)


def test_a_rule_is_tried_out_before_it_is_set(
    operator: httpx.Client, state: State
) -> None:
    operator.post("/v1/tests", json=FRESH)
    way = "/v1/tests/fresh/allocation"
    asked = operator.post(f"{way}/forecast", json={"kind": "bandit"}).json()
    assert asked["rule"]["kind"] == "bandit"
    _answered(state, Foreseen(weights=(0.3, 0.7), coverage=1.0))
    told = operator.get(f"/v1/forecasts/{asked['forecastId']}").json()
    assert told["foreseen"]["weights"] == [0.3, 0.7]
    assert operator.get(way).json()["kind"] == "fixed"
    refused = operator.post(f"{way}/forecast", json={"kind": "bandit", "floor": 0.5001})
    assert refused.status_code == 400


def test_slots_are_tried_out_set_and_their_queue_told(
    operator: httpx.Client, state: State
) -> None:
    for name in ("one", "two"):
        operator.post("/v1/tests", json={**FRESH, "testId": name})
    _answered(state, PLAN)
    way = "/v1/sites/shop/slots"
    tried = operator.post(way, params={"dryRun": "true"}, json={"slots": 1}).json()
    assert (tried["starting"], tried["learnedWorth"]) == (["one"], 0.001)
    assert operator.get(way).json()["slots"] == 0
    found = operator.post(way, json={"slots": 1, "worth": 0.002}).json()
    assert (found["slots"], found["worth"], found["costOfDay"]) == (1, 0.002, 0.002)
    assert [each["testId"] for each in found["drafts"]] == ["one", "two"]
    learned = operator.post(way, json={"isWorthLearned": True}).json()
    assert (learned["worth"], learned["costOfDay"]) == (None, 0.001)


@pytest.mark.parametrize(
    "body", [{"slots": -1}, {"worth": 1}, {"worth": 0.001, "isWorthLearned": True}]
)
def test_slots_that_cannot_be_are_refused(
    operator: httpx.Client, body: dict[str, Any]
) -> None:
    assert operator.post("/v1/sites/shop/slots", json=body).status_code == 400
