"""A test's way, approvals and policies over HTTP: what stands, what is published."""

from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as effort
from hypothesis import strategies as st

from code24.contracts.decision import Decision
from code24.contracts.release import Shard
from code24.releases import Reader
from code24.settings import Settings
from code24.state import (
    State,
    alarms,
    approvals,
    audit,
    decisions,
    experiments,
    site_policies,
)
from tests.app.platform.conftest import NOW

FRESH: dict[str, Any] = {
    "testId": "fresh",
    "siteId": "shop",
    "testType": "headline",
    "goalType": "sales",
    "variants": [
        {"variantId": "old", "name": "As it is"},
        {"variantId": "new", "name": "Fresh", "value": {"title": "Fresh every day"}},
    ],
    "trafficSplit": [0.8, 0.2],
}
SCRIPT = {
    "variantId": "new",
    "name": "bad",
    "changes": [
        {
            "id": "c",
            "match": {"host": "shop.example"},
            "ops": [
                {"op": "attr", "sel": "a", "name": "href", "value": "javascript:x()"}
            ],
        }
    ],
}


def _served(settings: Settings) -> Shard:
    reader = Reader(settings.releases, settings.keys / "verify.pub")
    return reader.site(reader.current(), "shop")


def _status_served(settings: Settings, test_id: str) -> str:
    found = {test.test_id: test.status for test in _served(settings).tests}
    return found[test_id]


def _steps(operator: httpx.Client, test_id: str, *steps: str) -> list[httpx.Response]:
    return [operator.post(f"/v1/tests/{test_id}/{step}") for step in steps]


def test_a_test_is_checked_made_and_made_once(
    operator: httpx.Client, state: State
) -> None:
    tried = operator.post("/v1/tests", params={"dryRun": "true"}, json=FRESH)
    assert (tried.status_code, tried.json()["status"]) == (200, "draft")
    assert operator.get("/v1/tests/fresh").status_code == 404
    made = operator.post("/v1/tests", json=FRESH)
    assert made.status_code == 200
    assert operator.post("/v1/tests", json=FRESH).json() == made.json()
    assert operator.get("/v1/tests/fresh").json() == made.json()
    entries = audit.list_entries(state, subject="test:fresh")
    assert [(entry.actor, entry.action) for entry in entries] == [
        ("operator", "test.create")
    ]


@pytest.mark.parametrize("query", [{}, {"dryRun": "true"}])
@pytest.mark.parametrize(
    ("change", "status", "problem"),
    [
        ({"trafficSplit": [0.8, 0.8]}, 400, "trafficSplit sums to 1.6"),
        ({"goalType": "fame"}, 400, "fame"),
        ({"testId": "Not A Slug"}, 400, "testId"),
        ({"status": "complete"}, 400, "unknown field `status`"),
        ({"variants": [FRESH["variants"][0], SCRIPT]}, 400, "test 'fresh'"),
        ({"siteId": "gone"}, 404, "site 'gone'"),
        ({"testId": "hero"}, 409, "test 'hero' is there with another"),
    ],
)
def test_a_wrong_definition_is_refused_and_named(
    operator: httpx.Client,
    change: dict[str, Any],
    status: int,
    problem: str,
    query: dict[str, str],
) -> None:
    answer = operator.post("/v1/tests", params=query, json={**FRESH, **change})
    assert answer.status_code == status
    assert problem in answer.json()["error"]
    assert operator.get("/v1/tests/fresh").status_code == 404


def test_each_step_is_published_at_once(
    operator: httpx.Client, settings: Settings
) -> None:
    operator.post("/v1/tests", json=FRESH)
    for step, status in (("start", "running"), ("pause", "paused")):
        (answer,) = _steps(operator, "fresh", step)
        assert answer.json()["status"] == status
        assert _status_served(settings, "fresh") == status
    _steps(operator, "fresh", "start")
    shipped = operator.post(
        "/v1/tests/fresh/ship", json={"variant": "new", "reason": "autumn"}
    )
    assert shipped.json()["reason"] == "operator decided to ship 'new': autumn"
    assert _status_served(settings, "fresh") == "complete"
    undone = operator.post("/v1/tests/fresh/undo", json={"reason": "too soon"})
    assert undone.json()["reason"].endswith(": too soon")
    assert _status_served(settings, "fresh") == "running"
    (stopped,) = _steps(operator, "fresh", "stop")
    assert stopped.json()["reason"].endswith(": no reason given")
    assert _status_served(settings, "fresh") == "complete"


def test_the_reason_of_a_pause_stands_in_the_audit_log(
    operator: httpx.Client, state: State
) -> None:
    operator.post("/v1/tests", json=FRESH)
    _steps(operator, "fresh", "start")
    operator.post("/v1/tests/fresh/pause", json={"reason": "stock-taking"})
    entry = audit.list_entries(state, subject="test:fresh")[0]
    assert (entry.action, entry.after["reason"]) == ("test.paused", "stock-taking")


@pytest.mark.parametrize(
    ("path", "body", "status", "problem"),
    [
        ("hero/start", {}, 409, "is complete and cannot become running"),
        ("hero/ship", {"variant": "v1"}, 409, "is complete"),
        ("fresh/pause", {}, 409, "is draft and cannot become paused"),
        ("fresh/stop", {}, 409, "is draft"),
        ("fresh/undo", {}, 409, "nothing to undo"),
        ("gone/start", {}, 404, "'gone'"),
        ("gone/undo", {}, 404, "'gone'"),
        ("fresh/ship", {}, 400, "variant"),
        ("fresh/ship", {"variant": "old"}, 409, "is the control"),
        ("fresh/stop", {"reason": ""}, 400, "reason"),
        ("fresh/stop", {"reason": "x" * 1_001}, 400, "reason"),
        ("fresh/stop", {"why": "x"}, 400, "unknown field `why`"),
    ],
)
def test_a_step_that_cannot_be_is_refused_in_one_line(
    operator: httpx.Client, path: str, body: dict[str, str], status: int, problem: str
) -> None:
    operator.post("/v1/tests", json=FRESH)
    answer = operator.post(f"/v1/tests/{path}", json=body)
    assert answer.status_code == status
    assert problem in answer.json()["error"]
    assert "\n" not in answer.json()["error"]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/tests",
        *(f"/v1/tests/hero/{s}" for s in ("start", "pause", "stop", "ship", "undo")),
        "/v1/approvals/x/approve",
        "/v1/approvals/x/reject",
        "/v1/sites/shop/policy",
    ],
)
def test_no_step_is_taken_without_the_token(client: httpx.Client, path: str) -> None:
    assert client.post(path, json={}).status_code == 401


def _propose(state: State, operator: httpx.Client) -> str:
    """Let a test wait for approval; return the proposal's id."""
    operator.post("/v1/tests", json=FRESH)
    _steps(operator, "fresh", "start")
    proposal = Decision(
        decision_id="p-1",
        test_id="fresh",
        site_id="shop",
        kind="ship",
        reason="new wins by 4%.",
        variant="new",
        is_claimed=False,
        evidence={"confidenceLevel": 0.97},
        policy={},
        decided_at=NOW,
    )
    approvals.propose(state, proposal, actor="loop")
    return proposal.decision_id


def test_an_approved_decision_is_taken_and_published(
    operator: httpx.Client, state: State, settings: Settings
) -> None:
    approval_id = _propose(state, operator)
    query = {"siteId": "shop", "status": "requested"}
    (waiting,) = operator.get("/v1/approvals", params=query).json()["approvals"]
    assert waiting["approvalId"] == approval_id
    assert waiting["proposal"]["reason"] == "new wins by 4%."
    answer = operator.post(f"/v1/approvals/{approval_id}/approve")
    assert (answer.json()["kind"], answer.json()["variant"]) == ("ship", "new")
    assert decisions.list_decisions(state, "fresh")[-1].decision_id == approval_id
    assert _status_served(settings, "fresh") == "complete"
    assert operator.get("/v1/approvals", params=query).json()["approvals"] == []
    again = operator.post(f"/v1/approvals/{approval_id}/approve")
    assert (again.status_code, "was approved" in again.json()["error"]) == (409, True)


def test_a_rejected_decision_is_not_taken(operator: httpx.Client, state: State) -> None:
    approval_id = _propose(state, operator)
    answer = operator.post(f"/v1/approvals/{approval_id}/reject")
    assert (answer.json()["status"], answer.json()["answeredBy"]) == (
        "rejected",
        "operator",
    )
    assert experiments.get_test(state, "fresh").status == "running"
    assert operator.post("/v1/approvals/gone/reject").status_code == 404
    wrong = operator.get("/v1/approvals", params={"status": "waiting"})
    assert wrong.status_code == 400


def test_a_policy_is_changed_in_part_and_its_holdout_published(
    operator: httpx.Client, state: State, settings: Settings
) -> None:
    path = "/v1/sites/shop/policy"
    assert operator.get(path).json() == {
        "siteId": "shop",
        "isApprovalNeeded": False,
        "isShared": True,
        "holdout": 0.0,
    }
    operator.post(path, json={"isApprovalNeeded": True})
    answer = operator.post(path, json={"holdout": 0.05}).json()
    assert (answer["isApprovalNeeded"], answer["holdout"]) == (True, 0.05)
    assert site_policies.get_policy(state, "shop").holdout == 0.05
    assert _served(settings).holdout == 0.05


@pytest.mark.parametrize(
    ("site", "body", "status", "problem"),
    [
        ("gone", {"holdout": 0.1}, 404, "site 'gone'"),
        ("shop", {"holdout": 0.6}, 400, "holdout"),
        ("shop", {"isShared": "no"}, 400, "isShared"),
        ("shop", {"share": 1}, 400, "unknown field `share`"),
    ],
)
def test_a_wrong_policy_is_refused_and_named(
    operator: httpx.Client, site: str, body: dict[str, Any], status: int, problem: str
) -> None:
    answer = operator.post(f"/v1/sites/{site}/policy", json=body)
    assert answer.status_code == status
    assert problem in answer.json()["error"]


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(
    field=st.sampled_from([*FRESH, "namespace", "coverage", "plannedEndDate", "seed"]),
    value=ANYTHING,
)
@effort(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_whatever_a_field_holds_the_answer_is_one_line_or_the_test(
    operator: httpx.Client, field: str, value: object
) -> None:
    body = {**FRESH, field: value}
    answer = operator.post("/v1/tests", params={"dryRun": "true"}, json=body)
    assert answer.status_code in {200, 400, 404, 409}
    if answer.status_code != 200:
        assert "\n" not in answer.json()["error"]


def test_a_schedule_is_planned_replaced_and_refused_in_one_line(
    operator: httpx.Client, state: State
) -> None:
    operator.post("/v1/tests", json=FRESH)
    path, ends = "/v1/tests/fresh/schedule", "2100-01-01T00:00:00Z"
    answer = operator.post(path, json={"plannedEndDate": ends})
    assert (answer.status_code, answer.json()["plannedEndDate"]) == (200, ends)
    starts = {"plannedStartDate": "2099-01-01T00:00:00Z"}
    assert operator.post(path, json=starts).json()["plannedEndDate"] is None
    past = operator.post(path, json={"plannedEndDate": "2020-01-01T00:00:00Z"})
    assert (past.status_code, "stop it instead" in past.json()["error"]) == (400, True)
    assert operator.post("/v1/tests/gone/schedule").status_code == 404
    actions = [
        entry.action for entry in audit.list_entries(state, subject="test:fresh")
    ]
    assert actions == ["test.schedule", "test.schedule", "test.create"]


def test_alarms_are_told_by_test_and_whether_they_are_open(
    operator: httpx.Client, state: State
) -> None:
    operator.post("/v1/tests", json=FRESH)
    operator.post("/v1/tests/fresh/start")
    crossing = {"testId": "fresh", "variantId": "new", "value": 0.3, "limit": 0.1}
    assert alarms.raise_alarm(state, crossing, actor="guardrail", now=NOW)
    (told,) = operator.get("/v1/alarms?testId=fresh&isOpen=true").json()["alarms"]
    assert (told["variant"], told["tolerated"], told["outcome"]) == ("new", 0.1, None)
    (alarm,) = alarms.list_alarms(state)
    alarms.settle(state, alarm, "cleared", actor="guardrail", now=NOW)
    assert operator.get("/v1/alarms?isOpen=true").json() == {"alarms": []}
    (told,) = operator.get("/v1/alarms?siteId=shop").json()["alarms"]
    assert told["outcome"] == "cleared"


def test_a_rule_of_allocation_is_set_in_part_and_refused_in_one_line(
    operator: httpx.Client,
) -> None:
    operator.post("/v1/tests", json=FRESH)
    path = "/v1/tests/fresh/allocation"
    assert operator.get(path).json()["kind"] == "fixed"
    made = operator.post(path, json={"kind": "bandit", "floor": 0.1})
    assert (made.status_code, made.json()["floor"]) == (200, 0.1)
    assert operator.post(path, json={"leastUnits": 500}).json()["kind"] == "bandit"
    assert operator.get(path).json()["leastUnits"] == 500
    for wrong in ({"floor": 0.9}, {"steps": [0.5, 0.1]}, {"kind": "lucky"}):
        answer = operator.post(path, json=wrong)
        assert (answer.status_code, len(answer.json()["error"]) > 0) == (400, True)
    assert operator.post("/v1/tests/gone/allocation", json={}).status_code == 404
