"""What the collector says when the disk is slow, nearly full or broken."""

import os
import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from app.collector.disk import DiskGuard
from code24.settings import Settings
from tests.app.collector.serving import Served, dead_letters, event, logged, serving


class SlowDisk:
    """Lets each sync wait until the test allows it, and counts them."""

    def __init__(self) -> None:
        self.syncs = 0
        self.started = threading.Event()
        self.allowed = threading.Event()
        self._fdatasync = os.fdatasync

    def __call__(self, descriptor: int) -> None:
        self.syncs += 1
        self.started.set()
        assert self.allowed.wait(20)
        self._fdatasync(descriptor)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as executor:
        yield executor


def wait_until_waiting(served: Served, size: int) -> None:
    while served.health()["waitingBytes"] < size:
        time.sleep(0.01)


def test_no_answer_before_the_sync_and_one_sync_for_all_that_wait(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, pool: ThreadPoolExecutor
) -> None:
    disk = SlowDisk()
    with serving(settings) as served:
        with monkeypatch.context() as patch:
            patch.setattr(os, "fdatasync", disk)
            first = pool.submit(served.post, event(0))
            assert disk.started.wait(20)
            one_event = served.health()["waitingBytes"]
            others = [pool.submit(served.post, event(n)) for n in range(1, 10)]
            wait_until_waiting(served, 10 * one_event)
            assert not first.done()
            assert served.health()["endOffset"] == 0
            disk.allowed.set()
            answers = [waiting.result() for waiting in (first, *others)]
        assert [answer.json()["accepted"] for answer in answers] == [1] * 10
    assert disk.syncs == 2
    assert sorted(str(each.event.id) for each in logged(settings)) == [
        f"e{number}" for number in range(10)
    ]


def test_a_full_queue_says_when_to_come_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, pool: ThreadPoolExecutor
) -> None:
    disk = SlowDisk()
    with serving(settings, max_waiting_bytes=1) as served:
        with monkeypatch.context() as patch:
            patch.setattr(os, "fdatasync", disk)
            first = pool.submit(served.post, event(0))
            assert disk.started.wait(20)
            refused = served.post(event(1))
            assert served.client.get("/health").status_code == 503
            disk.allowed.set()
            assert first.result().status_code == 200
        assert refused.status_code == 429
        assert refused.headers["Retry-After"] == "1"
        assert served.post(event(2)).status_code == 200
    assert [each.event.id for each in logged(settings)] == ["e0", "e2"]


def test_a_nearly_full_disk_says_when_to_come_again(settings: Settings) -> None:
    with serving(replace(settings, collector_min_free_mb=1 << 40)) as served:
        answer = served.post(event())
        assert answer.status_code == 429
        assert answer.headers["Retry-After"] == "30"
        assert "CODE24_COLLECTOR_MIN_FREE_MB" in answer.json()["error"]
        health = served.health()
        assert health["status"] == "degraded"
        assert health["reason"].startswith("the disk is nearly full: ")


def test_after_a_failed_sync_nothing_is_acknowledged_until_the_next_start(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(_descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    with serving(settings) as served:
        assert served.post(event(0)).status_code == 200
        with monkeypatch.context() as patch:
            patch.setattr(os, "fdatasync", failing)
            assert_broken(served.post(event(1)))
        assert_broken(served.post(event(2)))
        assert_broken(served.post(b"{"))
        health = served.client.get("/health")
        assert health.status_code == 503
        assert "Input/output error" in health.json()["reason"]
    assert [each.event.id for each in logged(settings)] == ["e0"]
    assert dead_letters(settings) == []
    with serving(settings) as served:
        assert served.post(event(3)).status_code == 200
    assert str(logged(settings)[-1].event.id) == "e3"


def assert_broken(answer: httpx.Response) -> None:
    assert answer.status_code == 503
    assert "cannot be written" in answer.json()["error"]
    assert "Input/output error" in answer.json()["error"]
    assert "Retry-After" in answer.headers


def test_a_state_that_cannot_be_read_is_no_reason_to_drop_events(
    settings: Settings,
) -> None:
    with serving(settings) as served:
        path = settings.home / "state" / "state.db"
        for file in path.parent.iterdir():
            file.write_bytes(b"no database" * 1_000)
        unknown = served.post(event(1), auth=("wk_unknown", ""))
        assert unknown.status_code == 503
        assert served.post(event(2)).status_code == 200


def test_two_copies_at_once_wait_for_the_same_sync(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, pool: ThreadPoolExecutor
) -> None:
    disk = SlowDisk()
    with serving(settings) as served:
        with monkeypatch.context() as patch:
            patch.setattr(os, "fdatasync", disk)
            first = pool.submit(served.post, event(1))
            assert disk.started.wait(20)
            one_event = served.health()["waitingBytes"]
            copies = [pool.submit(served.post, event(1)) for _ in range(4)]
            wait_until_waiting(served, 5 * one_event)
            assert not any(each.done() for each in (first, *copies))
            disk.allowed.set()
            answers = [each.result().json() for each in (first, *copies)]
        assert [each["accepted"] for each in answers] == [1] * 5
        assert served.health()["duplicates"] == 4
    assert [each.event.id for each in logged(settings)] == ["e1"]


def test_what_could_not_be_written_is_no_duplicate_when_it_comes_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    with serving(settings) as served:
        with monkeypatch.context() as patch:
            patch.setattr("code24.event_log.writer.os.write", full)
            refused = served.post(event(1))
        assert refused.status_code == 503
        assert "No space left" in refused.json()["error"]
        assert served.post(event(1)).json()["accepted"] == 1
        assert served.health()["duplicates"] == 0
    assert [each.event.id for each in logged(settings)] == ["e1"]


def test_behind_a_disk_that_stands_still_the_memory_does_not_grow(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, pool: ThreadPoolExecutor
) -> None:
    limit = 100_000
    disk = SlowDisk()
    with serving(settings, max_waiting_bytes=limit) as served:
        with monkeypatch.context() as patch:
            patch.setattr(os, "fdatasync", disk)
            first = pool.submit(served.post, event(0))
            assert disk.started.wait(20)
            pad = {"userAgent": "Firefox", "pad": "x" * 20_000}
            sent = [
                pool.submit(served.post, event(number, metadata=pad))
                for number in range(1, 40)
            ]
            wait_until_waiting(served, limit)
            refused = [served.post(event(100 + n, metadata=pad)) for n in range(20)]
            assert {answer.status_code for answer in refused} == {429}
            assert served.health()["waitingBytes"] < limit + 25_000
            disk.allowed.set()
            answers = [each.result() for each in (first, *sent)]
        taken = sum(answer.status_code == 200 for answer in answers)
        assert {answer.status_code for answer in answers} == {200, 429}
    assert len(logged(settings)) == taken


def test_the_disk_guard_counts_what_came_since_it_looked(tmp_path: Path) -> None:
    guard = DiskGuard(tmp_path)
    first = guard.free(taken=1_000, waiting=200)
    assert guard.free(taken=5_000, waiting=4_200) == first - 4_000
    assert shutil.disk_usage(tmp_path).free - first < 1 << 30
