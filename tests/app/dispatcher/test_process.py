"""The process over HTTP, with the client that exists."""

import os
import signal
import socket
import subprocess
import sys
from collections import Counter

import httpx
import pytest
from growthbook import GrowthBook, feature_repo

from code24.assignment import assign
from code24.settings import HOST, PROJECT_ROOT, Settings
from tests.app.dispatcher.serving import (
    PATIENCE_SECONDS,
    address,
    features,
    health,
    serving,
    start,
    until,
)
from tests.code24.releasing import ReleaseHome, ab_test, numbered, shard

FORBIDDEN = "sqlalchemy alembic pyarrow polars dagster duckdb streamlit pandas httpx"
BLOCKED = """
import sys

class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in sys.argv[1].split():
            raise ImportError(f"{name} is no dependency of the dispatcher")

sys.meta_path.insert(0, Block())
import app.dispatcher.__main__
import app.dispatcher.server
from code24.settings import load
app.dispatcher.server.create_app(load())
print("imported")
"""


def test_the_client_assigns_ten_thousand_units_as_we_do(
    settings: Settings, home: ReleaseHome
) -> None:
    tests = (
        ab_test("plain"),
        ab_test("tilted", traffic_split=(0.9, 0.1), coverage=0.4, seed="🌱"),
        ab_test("old", hash_version=1),
        ab_test("over", status="complete", winner_variant="bold"),
    )
    home.publish(shard("shop", *tests))
    feature_repo.clear_cache()
    with serving(settings):
        client = GrowthBook(api_host=address(settings), client_key="ck_shop")
        client.load_features()
    ids = [f"visitor-{number}" for number in range(10_000)]
    counts: Counter[object] = Counter()
    for unit in ids:
        client.set_attributes({"id": unit})
        for test in tests[:3]:
            found = client.eval_feature(test.test_id).experimentResult
            index = found.variationId if found and found.inExperiment else None
            assert index == assign(test, unit)
            counts[test.test_id, index] += 1
    assert client.get_feature_value("over", "control") == "bold"
    assert 4_800 < counts["plain", 0] < 5_200
    assert 5_800 < counts["tilted", None] < 6_200
    client.destroy()


def test_known_content_is_not_sent_again(settings: Settings, home: ReleaseHome) -> None:
    home.publish(shard("shop"), shard("blog"))
    url = f"{address(settings)}/api/features/ck_shop"
    with serving(settings):
        first = httpx.get(url, headers={"Origin": "https://shop.example"})
        tag = first.headers["etag"]
        known = [tag, tag.removeprefix("W/"), f'"other", {tag}', "*"]
        again = [httpx.get(url, headers={"If-None-Match": each}) for each in known]
        home.publish(shard("shop"), numbered(2, "blog"))
        until(lambda: "test-2" in features(settings, "ck_blog"))
        after = httpx.get(url, headers={"If-None-Match": tag})
        home.publish(numbered(3, "shop"), numbered(2, "blog"))
        until(lambda: "test-3" in features(settings))
        changed = httpx.get(url, headers={"If-None-Match": tag})
    assert first.headers["access-control-allow-origin"] == "*"
    assert first.headers["cache-control"] == "no-cache"
    assert [answer.status_code for answer in again] == [304] * 4
    assert {answer.content for answer in again} == {b""}
    assert (after.status_code, changed.status_code) == (304, 200)


def test_the_kill_switch_reaches_a_client(
    settings: Settings, home: ReleaseHome
) -> None:
    home.publish(shard())
    with serving(settings):
        assert "rules" in features(settings)["headline"]
        home.publisher.set_switches([], ["headline"])
        until(lambda: "rules" not in features(settings)["headline"])
        home.publisher.set_switches(["shop"], [])
        until(lambda: features(settings) == {})
        told = health(settings)
    assert told is not None
    assert told["switchSequence"] == 2


def test_a_damaged_release_degrades_and_serves_the_last_good_one(
    settings: Settings, home: ReleaseHome
) -> None:
    first = home.publish(numbered(1))
    with serving(settings) as process:
        (home.releases / "CURRENT").write_bytes(b"r000007-00000000\n")
        until(lambda: (health(settings) or {})["degraded"])
        told = health(settings)
        assert set(features(settings)) == {"test-1"}
        process.terminate()
        _, log = process.communicate(timeout=PATIENCE_SECONDS)
    assert told is not None
    assert (told["status"], told["releaseId"]) == ("degraded", first.release_id)
    assert "r000007-00000000 is not kept here" in told["reason"]
    assert log.count("ALARM release") == 1
    assert len(log.splitlines()) == 1


@pytest.mark.parametrize(
    "path",
    ["/api/features/nobody", "/api/features/", "/api/features/%00%ff", "/api", "/"],
)
def test_what_is_unknown_is_not_found(
    settings: Settings, home: ReleaseHome, path: str
) -> None:
    home.publish(shard())
    with serving(settings):
        answer = httpx.get(address(settings) + path)
        assert answer.status_code == 404
        assert httpx.post(f"{address(settings)}/health").status_code == 405


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_well_when_told_to(settings: Settings, number: signal.Signals) -> None:
    with serving(settings) as process:
        os.kill(process.pid, number)
        assert process.wait(timeout=PATIENCE_SECONDS) == 0


def test_a_taken_port_is_named(settings: Settings) -> None:
    with socket.create_server((HOST, settings.ports.dispatcher)):
        process = start(settings)
        _, told = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 1
    assert told.startswith(f"error: {HOST}:{settings.ports.dispatcher}: ")
    assert "CODE24_DISPATCHER_PORT" in told
    assert len(told.splitlines()) == 1


def test_it_imports_its_own_few_dependencies_alone(settings: Settings) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED, FORBIDDEN],
        cwd=PROJECT_ROOT,
        env={**os.environ, **settings.environment()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("imported\n", "")
