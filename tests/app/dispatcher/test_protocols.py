"""The protocols over HTTP, each with the clients that exist."""

import json
import queue
import socket
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from growthbook import GrowthBook, feature_repo
from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from openfeature.flag_evaluation import Reason

from app.dispatcher import bodies
from code24.assignment import assign
from code24.contracts.experiment import Variant
from code24.settings import HOST, Settings
from tests import node
from tests.app.dispatcher.serving import PATIENCE_SECONDS, address, serving, until
from tests.code24.releasing import ReleaseHome, ab_test, numbered, shard

VALUES = (False, True), (1.0, 2.5), ({"a": 1}, {"a": 2})
TESTS = (
    ab_test("plain"),
    ab_test("over", status="complete", winner_variant="bold"),
    *(
        ab_test(
            f"valued-{number}",
            variants=(
                Variant(variant_id="control", name="A", value=values[0]),
                Variant(variant_id="bold", name="B", value=values[1]),
            ),
        )
        for number, values in enumerate(VALUES)
    ),
)


@pytest.fixture
def served(settings: Settings, home: ReleaseHome) -> Iterator[Settings]:
    home.publish(shard("shop", *TESTS))
    with serving(settings):
        yield settings


def evaluate(
    settings: Settings, key: str = "", client_key: str = "ck_shop", **more: Any
) -> httpx.Response:
    url = f"{address(settings)}/ofrep/v1/evaluate/flags"
    body = {"context": {"targetingKey": "unit-1"}}
    bearer = {"Authorization": f"Bearer {client_key}"} if client_key else {}
    headers = {**bearer, **more.pop("headers", {})}
    given = {"json": body, **more}
    return httpx.post(f"{url}/{key}" if key else url, headers=headers, **given)


def test_the_openfeature_provider_of_python_evaluates_as_we_assign(
    served: Settings,
) -> None:
    provider = OFREPProvider(
        address(served), headers_factory=lambda: {"Authorization": "Bearer ck_shop"}
    )
    api.set_provider(provider)
    client = api.get_client()
    found: Counter[object] = Counter()
    for number in range(200):
        context = EvaluationContext(f"unit-{number}")
        told = client.get_string_details("plain", "none", context)
        index = assign(TESTS[0], f"unit-{number}")
        assert index is not None
        assert told.value == told.variant == ("control", "bold")[index]
        assert told.reason == Reason.SPLIT
        found[told.value] += 1
        flag, score, thing = (
            VALUES[n][assign(TESTS[n + 2], f"unit-{number}") or 0] for n in range(3)
        )
        assert client.get_boolean_value("valued-0", not flag, context) is flag
        assert client.get_float_value("valued-1", 0.0, context) == score
        assert client.get_object_value("valued-2", {}, context) == thing
    assert min(found.values()) > 60
    gone = client.get_string_details("unheard-of", "mine", EvaluationContext("u"))
    assert (gone.value, gone.error_code) == ("mine", "FLAG_NOT_FOUND")
    nobody = client.get_string_details("plain", "mine")
    assert (nobody.value, nobody.error_code) == ("mine", "TARGETING_KEY_MISSING")
    api.shutdown()


def test_the_openfeature_provider_of_the_web_evaluates_as_we_assign(
    served: Settings,
) -> None:
    for unit in ("unit-1", "unit-2", "unit-3"):
        told = node.run(
            "ofrep.mjs", address(served), "ck_shop", unit, "plain", "over", "gone"
        )
        wanted = ("control", "bold")[assign(TESTS[0], unit) or 0]
        assert told["plain"] == {
            "value": wanted,
            "variant": wanted,
            "reason": "SPLIT",
            "errorCode": None,
        }
        assert (told["over"]["value"], told["over"]["reason"]) == ("bold", "STATIC")
        assert (told["gone"]["value"], told["gone"]["errorCode"]) == (
            "fallback",
            "FLAG_NOT_FOUND",
        )


def test_all_flags_at_once_are_not_sent_again(served: Settings) -> None:
    first = evaluate(served)
    tag = first.headers["etag"]
    again = evaluate(served, headers={"If-None-Match": tag})
    other = evaluate(
        served,
        headers={"If-None-Match": tag},
        json={"context": {"targetingKey": "unit-8"}},
    )
    assert {flag["key"] for flag in first.json()["flags"]} == {
        test.test_id for test in TESTS
    }
    assert (again.status_code, again.content) == (304, b"")
    assert other.status_code == 200
    by_header = evaluate(served, client_key="", headers={"X-API-Key": "ck_shop"})
    assert by_header.json() == first.json()


@pytest.mark.parametrize(
    ("more", "status", "code"),
    [
        ({"client_key": "ck_nobody"}, 401, "GENERAL"),
        ({"client_key": ""}, 401, "GENERAL"),
        ({"key": "gone"}, 404, "FLAG_NOT_FOUND"),
        ({"json": {}}, 400, "TARGETING_KEY_MISSING"),
        ({"json": {"context": {"targetingKey": 7}}}, 400, "TARGETING_KEY_MISSING"),
        ({"json": {"context": {"targetingKey": "x" * 513}}}, 400, "INVALID_CONTEXT"),
        ({"json": {"context": []}}, 400, "PARSE_ERROR"),
        ({"json": None, "content": b"{"}, 400, "PARSE_ERROR"),
        ({"json": None, "content": b"\xff\xfe"}, 400, "PARSE_ERROR"),
        ({"json": None, "content": b"[" * 60_000}, 400, "PARSE_ERROR"),
        ({"json": None, "content": b" " * 70_000}, 413, "PARSE_ERROR"),
    ],
)
def test_what_cannot_be_evaluated_is_told(
    served: Settings, more: dict[str, Any], status: int, code: str
) -> None:
    answer = evaluate(served, **more)
    told = answer.json()
    assert (answer.status_code, told["errorCode"]) == (status, code)
    assert told["errorDetails"]


def test_a_body_that_does_not_come_is_given_up(
    served: Settings,
) -> None:
    assert bodies.PATIENCE_SECONDS < PATIENCE_SECONDS
    head = (
        "POST /ofrep/v1/evaluate/flags HTTP/1.1\r\nHost: x\r\n"
        "Authorization: Bearer ck_shop\r\nContent-Length: 50\r\n\r\n{"
    )
    with socket.create_connection((HOST, served.ports.dispatcher)) as slow:
        slow.settimeout(PATIENCE_SECONDS)
        slow.sendall(head.encode())
        assert slow.recv(4096).startswith(b"HTTP/1.1 408 ")


def test_remote_evaluation_tells_the_client_its_own_and_no_rule(
    served: Settings,
) -> None:
    for unit in ("unit-1", "unit-2", "unit-3"):
        told = node.run("features.mjs", address(served), "ck_shop", unit, "remote")
        index = assign(TESTS[0], unit) or 0
        variant = ("control", "bold")[index]
        assert told["values"]["plain"] == variant
        assert told["values"]["over"] == "bold"
        assert ["plain", index, variant, unit] in told["counted"]
        assert len(told["counted"]) == 1 + len(VALUES)
        assert "weights" not in json.dumps(told["features"])


def test_remote_evaluation_heeds_what_is_forced(served: Settings) -> None:
    url = f"{address(served)}/api/eval/ck_shop"
    body = {
        "attributes": {"id": "unit-1"},
        "forcedVariations": {"plain": 1, "valued-0": 7},
        "forcedFeatures": [["over", "mine"], ["gone", 1]],
        "url": "https://shop.example/",
    }
    found = httpx.post(url, json=body).json()["features"]
    assert found["plain"] == {"defaultValue": "bold"}
    assert found["over"] == {"defaultValue": "mine"}
    assert "rules" in found["valued-0"]
    assert "gone" not in found
    unknown = httpx.post(f"{address(served)}/api/eval/ck_nobody", json=body)
    wrong = httpx.post(url, json={"attributes": 7})
    assert (unknown.status_code, wrong.status_code) == (404, 400)
    assert wrong.json()["error"].startswith("body: ")


def test_the_stream_of_python_follows_a_release_and_a_switch(
    settings: Settings, home: ReleaseHome
) -> None:
    home.publish(shard("shop"), numbered(2, "blog"))
    feature_repo.clear_cache()
    with serving(settings):
        client = GrowthBook(
            api_host=address(settings), client_key="ck_shop", streaming=True
        )
        client.load_features()
        client.set_attributes({"id": "unit-1"})
        assert client.eval_feature("headline").experimentResult is not None
        home.publisher.set_switches([], ["headline"])
        until(lambda: client.eval_feature("headline").experimentResult is None)
        home.publish(shard("shop", ab_test("second")), numbered(2, "blog"), at=5)
        until(lambda: client.eval_feature("second").experimentResult is not None)
        client.destroy()
        feature_repo.stopAutoRefresh()


def test_the_stream_of_javascript_follows_a_release(
    settings: Settings, home: ReleaseHome
) -> None:
    node.needs_clients()
    home.publish(shard("shop"))
    with serving(settings), streaming(settings) as lines:
        assert json.loads(lines.get(timeout=PATIENCE_SECONDS)) == ["headline"]
        home.publish(shard("shop", ab_test("second")), at=5)
        until(lambda: json.loads(lines.get(timeout=PATIENCE_SECONDS)) == ["second"])


@contextmanager
def streaming(settings: Settings) -> Iterator["queue.Queue[str]"]:
    command = [
        str(node.NODE),
        "--experimental-eventsource",
        str(node.CLIENTS / "features.mjs"),
        *(address(settings), "ck_shop", "unit-1", "stream"),
    ]
    pipe = subprocess.PIPE
    client = subprocess.Popen(
        command, stdin=pipe, stdout=pipe, text=True, env=node.ENVIRONMENT
    )
    lines: queue.Queue[str] = queue.Queue()

    def read() -> None:
        assert client.stdout is not None
        for line in client.stdout:
            lines.put(line)

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield lines
    finally:
        client.communicate(timeout=PATIENCE_SECONDS)
        thread.join()


def test_a_stream_says_all_at_once_and_ends_when_the_process_is_told_to(
    settings: Settings, home: ReleaseHome
) -> None:
    home.publish(shard("shop"))
    url = f"{address(settings)}/sub/ck_shop"
    with serving(settings) as process, httpx.stream("GET", url, timeout=30) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert stream.headers["cache-control"] == "no-store"
        parts = stream.iter_text()
        event, data, *_ = next(parts).split("\n")
        assert event == "event: features"
        whole = httpx.get(f"{address(settings)}/api/features/ck_shop")
        assert json.loads(data.removeprefix("data: ")) == whole.json()
        assert whole.headers["x-sse-support"] == "enabled"
        health = httpx.get(f"{address(settings)}/health").json()
        assert health["streams"] == 1
        process.terminate()
        assert list(parts) == []
        assert process.wait(timeout=PATIENCE_SECONDS) == 0


def test_a_stream_of_nobody_is_not_found(served: Settings) -> None:
    answer = httpx.get(f"{address(served)}/sub/ck_nobody")
    assert answer.status_code == 404
