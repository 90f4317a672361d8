"""The process itself, under load, stopped and killed."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import msgspec

from code24.contracts.event import Event
from code24.contracts.site import Site
from code24.settings import HOST, Settings
from tests.app.collector.serving import (
    dead_letters,
    event,
    logged,
    new_site,
    process,
)


class Load:
    """Sends batches of distinct events and remembers which were acknowledged."""

    def __init__(self, settings: Settings, site: Site) -> None:
        self._address = f"http://{HOST}:{settings.ports.collector}/v1/events"
        self._site = site
        self._changed = threading.Condition()
        self._number = 0
        self.acknowledged: dict[str, Event] = {}
        self.unexpected: list[httpx.Response] = []

    @contextmanager
    def from_clients(self, count: int) -> Iterator[None]:
        """Send from some threads until the server goes away."""
        threads = [threading.Thread(target=self._send) for _ in range(count)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            for thread in threads:
                thread.join()

    def wait_for(self, more: int) -> None:
        """Return when so many more events have been acknowledged."""
        with self._changed:
            wanted = len(self.acknowledged) + more
            assert self._changed.wait_for(
                lambda: len(self.acknowledged) >= wanted, timeout=60
            )

    def _send(self) -> None:
        with httpx.Client(auth=(self._site.write_key, ""), timeout=30) as client:
            while self._send_batch(client):
                pass

    def _send_batch(self, client: httpx.Client) -> bool:
        with self._changed:
            numbers = range(self._number, self._number + 5)
            self._number = numbers.stop
        batch = [event(number) for number in numbers]
        try:
            answer = client.post(self._address, json={"events": [*batch, {}]})
        except httpx.TransportError:
            return False
        self._remember(answer, batch)
        return True

    def _remember(self, answer: httpx.Response, batch: list[dict[str, object]]) -> None:
        with self._changed:
            if answer.status_code == 200 and answer.json()["accepted"] == len(batch):
                for sent in batch:
                    self.acknowledged[str(sent["id"])] = msgspec.convert(sent, Event)
            else:
                self.unexpected.append(answer)
            self._changed.notify_all()


def assert_all_logged(settings: Settings, load: Load) -> None:
    stored = {str(record.event.id): record.event for record in logged(settings)}
    assert {key: stored.get(key) for key in load.acknowledged} == load.acknowledged
    assert load.unexpected == []
    letters = dead_letters(settings)
    assert len(letters) >= len(load.acknowledged) // 5
    assert {letter.body for letter in letters} == {"{}"}


def test_killed_under_load_it_has_every_event_that_it_acknowledged(
    settings: Settings,
) -> None:
    load = Load(settings, new_site(settings, "shop"))
    for _ in range(3):
        with process(settings) as collector, load.from_clients(4):
            load.wait_for(300)
            collector.send_signal(signal.SIGKILL)
        assert_all_logged(settings, load)
    with process(settings), httpx.Client() as client:
        address = f"http://{HOST}:{settings.ports.collector}/health"
        assert client.get(address).json()["endOffset"] >= len(load.acknowledged)
    assert_all_logged(settings, load)


def test_stopped_under_load_it_finishes_and_says_nothing_private(
    settings: Settings,
) -> None:
    site = new_site(settings, "shop")
    load = Load(settings, site)
    with process(settings) as collector:
        with load.from_clients(4):
            load.wait_for(100)
            collector.send_signal(signal.SIGTERM)
        assert collector.wait(30) == 0
        assert collector.stderr is not None
        assert collector.stderr.read() == ""
    assert_all_logged(settings, load)


def test_a_second_collector_of_one_home_is_told_in_one_line(settings: Settings) -> None:
    new_site(settings, "shop")
    with process(settings) as first:
        second = subprocess.run(
            [sys.executable, "-m", "app.collector"],
            env=settings.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
    assert second.returncode == 1
    assert second.stderr == (
        f"error: {settings.log / 'live'}: process {first.pid} is writing it; "
        "stop that one first\n"
    )


def test_it_starts_without_what_only_other_parts_need() -> None:
    blocked = ["cryptography", "dagster", "duckdb", "polars", "pyarrow", "scipy"]
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({blocked}))\n"
        "import app.collector.__main__"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
