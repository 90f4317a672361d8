"""The real process under load: killed again and again, and its disk full."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import httpx
import pytest

from code24.contracts.site import Site
from code24.settings import HOST, Settings
from tests.app.collector.serving import event, logged, new_site, process

DISK_MB = 24


class Sender:
    """Sends batches of its own, each until it is acknowledged; keeps the answers."""

    def __init__(self, settings: Settings, site: Site, name: str) -> None:
        self._address = f"http://{HOST}:{settings.ports.collector}/v1/events"
        self._auth = (site.write_key, "")
        self._name = name
        self._number = 0
        self._batch: list[dict[str, object]] = []
        self.acknowledged: set[str] = set()
        self.refusals: list[httpx.Response] = []

    def send(self, stop: threading.Event, padding: int = 0) -> None:
        """Send until told to stop, or until the server is gone."""
        with httpx.Client(auth=self._auth, timeout=30) as client:
            while not stop.is_set() and self._send(client, padding):
                pass

    def _send(self, client: httpx.Client, padding: int) -> bool:
        batch = self._batch or self._next(padding)
        try:
            answer = client.post(self._address, json={"events": batch})
        except httpx.TransportError:
            return False
        if answer.status_code == 200:
            assert answer.json()["accepted"] == len(batch)
            self.acknowledged |= {str(one["id"]) for one in batch}
            self._batch = []
        else:
            self.refusals.append(answer)
            time.sleep(0.02)
        return True

    def _next(self, padding: int) -> list[dict[str, object]]:
        first, self._number = self._number, self._number + 10
        self._batch = [
            event(
                number,
                id=f"{self._name}-{number}",
                metadata={"userAgent": "Firefox", "pad": "x" * padding},
            )
            for number in range(first, first + 10)
        ]
        return self._batch


@contextmanager
def sending(senders: list[Sender], padding: int = 0) -> Iterator[None]:
    """Send from all of them for as long as the block lasts."""
    stop = threading.Event()
    threads = [
        threading.Thread(target=each.send, args=(stop, padding)) for each in senders
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)


def have_acknowledged(senders: list[Sender], count: int) -> bool:
    return all(len(each.acknowledged) >= count for each in senders)


def assert_each_acknowledged_event_is_logged_once(
    settings: Settings, senders: list[Sender]
) -> None:
    acknowledged = [set(sender.acknowledged) for sender in senders]  # they go on
    ids = [str(record.event.id) for record in logged(settings)]
    assert len(ids) == len(set(ids))
    for known in acknowledged:
        assert known <= set(ids)


def health(settings: Settings) -> dict[str, object]:
    address = f"http://{HOST}:{settings.ports.collector}/health"
    told: dict[str, object] = httpx.get(address, timeout=30).json()
    return told


def test_killed_again_and_again_it_keeps_each_acknowledged_event_once(
    settings: Settings,
) -> None:
    site = new_site(settings, "shop")
    senders = [Sender(settings, site, name) for name in "abc"]
    for round_ in range(1, 6):
        with process(settings) as collector, sending(senders):
            wait_until(partial(have_acknowledged, senders, 100 * round_))
            collector.send_signal(signal.SIGKILL)
            collector.wait()
    assert not any(sender.refusals for sender in senders)
    assert_each_acknowledged_event_is_logged_once(settings, senders)
    with process(settings), sending(senders):
        told = health(settings)
        assert told["counting"] == "ok"
        wait_until(lambda: int(str(health(settings)["accepted"])) > 100)
    assert_each_acknowledged_event_is_logged_once(settings, senders)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a file system of ``DISK_MB``; skip where none may be mounted."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ("mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(place))
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"a small file system cannot be mounted: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(("umount", "-l", str(place)), check=True)


def test_before_the_disk_is_full_senders_are_told_to_come_again(
    settings: Settings, small_disk: Path
) -> None:
    kept_mb = 8
    settings = replace(
        settings, home=small_disk / "home", collector_min_free_mb=kept_mb
    )
    senders = [Sender(settings, new_site(settings, "shop"), name) for name in "abc"]
    with process(settings):
        with sending(senders, padding=20_000):
            wait_until(lambda: all(len(each.refusals) > 5 for each in senders))
        for answer in (one for each in senders for one in each.refusals):
            assert answer.status_code == 429
            assert int(answer.headers["Retry-After"]) > 0
        free = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize
        # What was on its way while the last one was told: three batches, checkpoints.
        assert free > (kept_mb - 2) << 20
        assert health(settings)["status"] == "degraded"
    assert all(sender.acknowledged for sender in senders)
    assert_each_acknowledged_event_is_logged_once(settings, senders)


def test_a_full_disk_loses_nothing_and_goes_on_when_there_is_room(
    settings: Settings, small_disk: Path
) -> None:
    """The disk guard is off, so that the writes themselves fail."""
    settings = replace(settings, home=small_disk / "home", collector_min_free_mb=0)
    senders = [Sender(settings, new_site(settings, "shop"), name) for name in "abc"]
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * (8 << 20))
    with process(settings) as collector:
        with sending(senders, padding=20_000):
            wait_until(lambda: all(len(each.refusals) > 10 for each in senders))
            assert_each_acknowledged_event_is_logged_once(settings, senders)
            before = [len(each.acknowledged) for each in senders]
            ballast.unlink()
            wait_until(
                lambda: all(
                    len(each.acknowledged) > count
                    for each, count in zip(senders, before, strict=True)
                )
            )
            wait_until(lambda: os.statvfs(small_disk).f_bavail * 4096 < 1 << 20)
            time.sleep(1)
            collector.send_signal(signal.SIGKILL)
            collector.wait()
        for answer in (one for each in senders for one in each.refusals):
            assert answer.status_code in {429, 503}
            assert int(answer.headers["Retry-After"]) > 0
    assert_each_acknowledged_event_is_logged_once(settings, senders)


def fill(place: Path) -> Path:
    """Leave no byte free; return the file whose removal frees them."""
    ballast = place / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for block in (1 << 20, 1 << 12):
            with suppress(OSError):
                while file.write(b"x" * block) == block:
                    pass
    assert os.statvfs(place).f_bavail == 0
    return ballast


@pytest.mark.parametrize("has_run", [True, False])
def test_started_on_a_full_disk_it_tells_so_and_opens_when_there_is_room(
    settings: Settings, small_disk: Path, has_run: bool
) -> None:
    settings = replace(settings, home=small_disk / "home", collector_min_free_mb=1)
    site = new_site(settings, "shop")
    senders = [Sender(settings, site, name) for name in "abc"]
    if has_run:
        with process(settings), sending(senders):
            wait_until(partial(have_acknowledged, senders, 50))
    ballast = fill(small_disk)
    for sender in senders:
        sender.refusals.clear()
    with process(settings):
        with sending(senders):
            wait_until(lambda: all(len(each.refusals) > 5 for each in senders))
            told = httpx.get(
                f"http://{HOST}:{settings.ports.collector}/health", timeout=30
            )
            assert told.status_code == 503
            assert told.json()["status"] == "degraded"
            assert "disk is" in told.json()["reason"]
            before = [len(each.acknowledged) for each in senders]
            ballast.unlink()
            wait_until(
                lambda: all(
                    len(each.acknowledged) > count + 50
                    for each, count in zip(senders, before, strict=True)
                )
            )
        assert health(settings)["status"] == "ok"
    for answer in (one for each in senders for one in each.refusals):
        assert answer.status_code == 429
        assert int(answer.headers["Retry-After"]) > 0
    assert_each_acknowledged_event_is_logged_once(settings, senders)


def test_a_collector_that_cannot_open_for_another_reason_ends(
    settings: Settings,
) -> None:
    new_site(settings, "shop")
    with process(settings):
        second = subprocess.run(
            (sys.executable, "-m", "app.collector"),
            env={**os.environ, **settings.environment()},
            capture_output=True,
            text=True,
            check=False,
        )
    assert second.returncode == 1
    assert "stop that one first" in second.stderr
