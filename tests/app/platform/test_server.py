"""The control API over HTTP: what it tells, what it changes, whom it lets."""

import stat
from typing import Any

import httpx
import msgspec
import pytest

from app.platform.operations import OPERATIONS
from code24.contracts.decision import Decision
from code24.contracts.site import Site
from code24.releases import Reader
from code24.settings import Settings
from code24.state import (
    State,
    audit,
    decisions,
    erasures,
    experiments,
    jobs,
    messages,
    retention,
    sites,
    workers,
)
from tests.app.platform.conftest import NOW


def _reader(settings: Settings) -> Reader:
    return Reader(settings.releases, settings.keys / "verify.pub")


def _switch(client: httpx.Client, **body: object) -> httpx.Response:
    return client.post("/v1/switches", json=body)


def test_health_is_ok(client: httpx.Client) -> None:
    answer = client.get("/health")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "degraded": False, "reason": None}


def test_health_says_when_the_state_cannot_be_read(
    client: httpx.Client, state: State
) -> None:
    with state.write() as connection:
        connection.exec_driver_sql("ALTER TABLE sites RENAME TO elsewhere")
    answer = client.get("/health")
    assert answer.status_code == 503
    assert answer.json()["degraded"] is True
    assert "no such table: sites" in answer.json()["reason"]


def test_sites_come_as_the_contract_has_them(
    client: httpx.Client, state: State
) -> None:
    found = msgspec.convert(client.get("/v1/sites").json()["sites"], list[Site])
    assert found == sites.list_sites(state)
    assert found[0].write_key.startswith("wk_")


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({}, 1),
        ({"siteId": "shop", "status": "complete"}, 1),
        ({"status": "running"}, 0),
    ],
)
def test_tests_are_filtered(
    client: httpx.Client, query: dict[str, str], count: int
) -> None:
    found = client.get("/v1/tests", params=query).json()["tests"]
    assert [test["testId"] for test in found] == ["hero"] * count


def test_decisions_come_with_their_evidence(client: httpx.Client) -> None:
    answer = client.get("/v1/decisions", params={"testId": "hero"})
    (entry,) = answer.json()["decisions"]
    assert (entry["decisionId"], entry["kind"]) == ("d-ship", "ship")
    assert entry["evidence"] == {"confidenceLevel": 0.99}


def test_jobs_are_listed_shown_and_counted(client: httpx.Client, state: State) -> None:
    job_id = jobs.enqueue(state, "shop", "seo", "audit", "high", now=NOW, payload={})
    answer = client.get("/v1/jobs", params={"status": "queued", "kind": "audit"}).json()
    (job,) = answer["jobs"]
    assert (job["siteId"], job["jobType"], job["priority"]) == ("shop", "audit", 3)
    assert answer["counts"]["queued"] == 1
    assert client.get(f"/v1/jobs/{job_id}").json() == job
    assert client.get("/v1/jobs/gone").status_code == 404
    assert client.get("/v1/jobs?kind=other").json()["jobs"] == []


def test_a_job_is_asked_for_once_cancelled_and_tried_again(
    operator: httpx.Client, state: State
) -> None:
    wanted = {"siteId": "shop", "kind": "analysis", "idempotencyKey": "k"}
    job = operator.post("/v1/jobs", json=wanted).json()
    assert (job["status"], job["priority"]) == ("queued", 1)
    assert operator.post("/v1/jobs", json=wanted).json()["id"] == job["id"]
    (message,) = messages.list_messages(state, "shop", limit=1)
    assert message.type == "optimization_request"
    path = f"/v1/jobs/{job['id']}"
    assert operator.post(f"{path}/retry").status_code == 409
    assert operator.post(f"{path}/cancel").json()["status"] == "cancelled"
    assert operator.post(f"{path}/cancel").status_code == 409
    assert operator.post(f"{path}/retry").json()["status"] == "queued"
    entry = audit.list_entries(state, subject=f"job:{job['id']}")[0]
    assert (entry.actor, entry.action) == ("operator", "job.retry")


@pytest.mark.parametrize(
    ("wanted", "status", "problem"),
    [
        ({"siteId": "shop", "kind": "dance"}, 400, "dance"),
        ({"siteId": "gone", "kind": "analysis"}, 404, "site 'gone'"),
        ({"kind": "analysis"}, 400, "siteId"),
    ],
)
def test_a_wrong_request_for_a_job_is_named(
    operator: httpx.Client, wanted: dict[str, str], status: int, problem: str
) -> None:
    answer = operator.post("/v1/jobs", json=wanted)
    assert answer.status_code == status
    assert problem in answer.json()["error"]


def test_workers_are_listed_by_their_heartbeat(
    client: httpx.Client, state: State
) -> None:
    workers.beat(state, "host:1:2", started_at=NOW, now=NOW, run_id="r1")
    (worker,) = client.get("/v1/workers").json()["workers"]
    assert (worker["workerId"], worker["runId"]) == ("host:1:2", "r1")


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("/v1/tests?status=finished", "finished"),
        ("/v1/tests?site=shop", "unknown field `site`"),
        ("/v1/sites?all=1", "unknown field `all`"),
    ],
)
def test_a_wrong_filter_is_named(client: httpx.Client, path: str, problem: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 400
    assert problem in answer.json()["error"]


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic Og=="}],
)
def test_nothing_changes_without_the_token(
    client: httpx.Client, state: State, headers: dict[str, str]
) -> None:
    for path in ("/v1/decisions/d-ship/undo", "/v1/switches", "/v1/nothing"):
        answer = client.post(path, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert "operator.token" in answer.json()["error"]
    assert experiments.get_test(state, "hero").status == "complete"


def test_the_token_is_its_owners_alone(
    settings: Settings, client: httpx.Client
) -> None:
    assert client.get("/health").status_code == 200
    path = settings.keys / "operator.token"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(path.read_text().strip()) >= 40


def test_undoing_a_decision_brings_the_test_back(
    operator: httpx.Client, state: State
) -> None:
    answer = operator.post("/v1/decisions/d-ship/undo")
    assert answer.status_code == 200
    undoing = msgspec.json.decode(answer.content, type=Decision)
    assert undoing.evidence == {"undoes": "d-ship"}
    assert decisions.list_decisions(state)[-1] == undoing
    assert experiments.get_test(state, "hero").status == "running"
    entry = audit.list_entries(state, subject="test:hero")[0]
    assert (entry.actor, entry.action) == ("operator", "decision.undo")


def test_an_undo_is_published_at_once(
    operator: httpx.Client, settings: Settings
) -> None:
    operator.post("/v1/decisions/d-ship/undo")
    (test,) = _reader(settings).site(_reader(settings).current(), "shop").tests
    assert (test.test_id, test.status) == ("hero", "running")


@pytest.mark.parametrize(
    ("decision_id", "status", "problem"),
    [
        ("gone", 404, "decision 'gone' is not known"),
        ("d-ship", 409, "is undone already"),
    ],
)
def test_an_undo_that_cannot_be_is_refused_in_one_line(
    operator: httpx.Client, decision_id: str, status: int, problem: str
) -> None:
    operator.post("/v1/decisions/d-ship/undo")
    answer = operator.post(f"/v1/decisions/{decision_id}/undo")
    assert answer.status_code == status
    assert problem in answer.json()["error"]


def test_switches_are_signed_and_add_up(
    operator: httpx.Client, settings: Settings
) -> None:
    assert operator.get("/v1/switches").json()["sequence"] == 0
    _switch(operator, siteId="shop", isOff=True)
    answer = _switch(operator, testId="hero", isOff=True)
    assert answer.status_code == 200
    found = _reader(settings).switches()
    assert (found.sites_off, found.tests_off) == (("shop",), ("hero",))
    assert answer.json()["sequence"] == found.sequence == 2
    _switch(operator, siteId="shop", isOff=False)
    assert _reader(settings).switches().sites_off == ()
    assert operator.get("/v1/switches").json()["testsOff"] == ["hero"]


def test_a_switch_is_audited_once(operator: httpx.Client, state: State) -> None:
    for _ in range(2):
        _switch(operator, siteId="shop", isOff=True)
    entries = audit.list_entries(state, subject="site:shop")
    assert [entry.action for entry in entries] == ["switch.off", "site.add"]
    assert entries[0].actor == "operator"
    assert entries[0].after["sitesOff"] == ["shop"]


@pytest.mark.parametrize(
    ("body", "status", "problem"),
    [
        ({"siteId": "gone", "isOff": True}, 404, "site 'gone' is not known"),
        ({"testId": "gone", "isOff": True}, 404, "test 'gone' is not known"),
        ({"isOff": True}, 400, "name one of siteId and testId"),
        ({"siteId": "shop", "testId": "hero", "isOff": True}, 400, "name one of"),
        ({"siteId": "shop"}, 400, "isOff"),
        ({"siteId": "shop", "isOff": True, "x": 1}, 400, "unknown field `x`"),
        ("x" * 70_000, 413, "65536 bytes"),
    ],
)
def test_a_wrong_switch_is_refused_and_named(
    operator: httpx.Client, body: Any, status: int, problem: str
) -> None:
    answer = operator.post("/v1/switches", json=body)
    assert answer.status_code == status
    assert problem in answer.json()["error"]
    assert operator.get("/v1/switches").json()["sequence"] == 0


def test_bad_json_is_refused(operator: httpx.Client) -> None:
    answer = operator.post("/v1/switches", content=b"{")
    assert answer.status_code == 400
    assert "error" in answer.json()


def test_an_unknown_path_and_method_are_refused_in_json(client: httpx.Client) -> None:
    assert client.get("/v1/nothing").json() == {"error": "Not Found"}
    operator_only = client.delete("/v1/sites")
    assert operator_only.status_code == 401


def test_another_host_name_is_refused(client: httpx.Client) -> None:
    answer = client.get("/v1/sites", headers={"Host": "rebound.example"})
    assert answer.status_code == 400


def test_openapi_describes_every_operation(client: httpx.Client) -> None:
    document = client.get("/openapi.json").json()
    described = {
        (method.upper(), path)
        for path, methods in document["paths"].items()
        for method in methods
    }
    assert described == {(entry.method, entry.path) for entry in OPERATIONS}
    undo = document["paths"]["/v1/decisions/{decision_id}/undo"]["post"]
    assert undo["security"] == [{"operator": []}]
    assert [entry["name"] for entry in undo["parameters"]] == ["decision_id"]
    tests = document["paths"]["/v1/tests"]["get"]["parameters"]
    assert [entry["name"] for entry in tests] == ["siteId", "status"]


def test_openapi_refers_only_to_what_it_holds(client: httpx.Client) -> None:
    text = client.get("/openapi.json").text
    held = client.get("/openapi.json").json()["components"]["schemas"]
    referred = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert referred <= set(held)
    assert {"Site", "Experiment", "Decision", "Job", "Switches"} <= referred


def test_receipts_and_retention_are_told_without_ids(
    client: httpx.Client, state: State, settings: Settings
) -> None:
    subject = erasures.subject(state, "shop", "ada@shop.example", keys=settings.keys)
    begun = erasures.begin(state, subject, actor="officer", now=NOW)
    retention.set_days(state, "shop", 30, actor="t", now=NOW)
    answer = client.get("/v1/erasures", params={"siteId": "shop"})
    found = msgspec.convert(answer.json()["erasures"], list[erasures.Erasure])
    assert found == [begun]
    assert "ada" not in answer.text
    assert client.get("/v1/erasures", params={"siteId": "x"}).json()["erasures"] == []
    one = client.get(f"/v1/erasures/{begun.erasure_id}")
    assert one.json()["status"] == "running"
    assert client.get("/v1/erasures/none").status_code == 404
    kept = client.get("/v1/retention").json()["retention"]
    assert kept == [{"siteId": "shop", "days": 30, "isOwn": True}]
