"""A collector to test: in a thread of this process, or a process of its own."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

import httpx
import msgspec
import uvicorn

from app.collector.collector import open_collector
from app.collector.connections import GuardedHttp
from app.collector.opening import Opening
from app.collector.server import build_app
from code24.contracts.event import DeadLetter, LogRecord
from code24.contracts.site import Site
from code24.event_log import read
from code24.intake import dead_folder
from code24.settings import HOST, Settings
from code24.state import open_state
from code24.state.sites import add_site


@dataclass(frozen=True)
class Served:
    """A running collector with one site."""

    settings: Settings
    site: Site
    client: httpx.Client

    def post(self, body: Any, **options: Any) -> httpx.Response:
        """Send a body (JSON of it, unless bytes) with the site's key."""
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        options.setdefault("auth", (self.site.write_key, ""))
        return self.client.post("/v1/events", content=content, **options)

    def health(self) -> dict[str, Any]:
        """Return what the collector says of itself."""
        told: dict[str, Any] = self.client.get("/health").json()
        return told


def new_site(settings: Settings, site_id: str) -> Site:
    """Add a site to the shared state."""
    with open_state(settings.database_url) as state:
        return add_site(
            state,
            site_id,
            f"{site_id}.example",
            "retail",
            ["sales"],
            actor="test",
            now=datetime.now(UTC),
        )


AGENT = {"device": "desktop", "browser": "Firefox", "os": "Linux"}
"""What the door would else find in the user agent of the test's own client."""


def event(number: int = 0, **changes: Any) -> dict[str, Any]:
    """Return a page view of now, as a client would send it."""
    basic = {
        "id": f"e{number}",
        "siteId": "shop",
        "eventType": "page_view",
        "visitorId": f"v{number % 7}",
        "timestamp": datetime.now(UTC).isoformat(),
        "url": f"https://shop.example/{number}",
        "metadata": {"number": number, **AGENT},
    }
    return {**basic, **changes}


def logged(settings: Settings, start: int = 0) -> list[LogRecord]:
    """Return the accepted events from an offset on."""
    records = read(settings.log, "live", start)
    return [msgspec.json.decode(each.payload, type=LogRecord) for each in records]


def dead_letters(settings: Settings) -> list[DeadLetter]:
    """Return every dead letter of the collector."""
    records = read(dead_folder(settings.log), "dead-live", 0)
    return [msgspec.json.decode(each.payload, type=DeadLetter) for each in records]


def wait_for(process_or_thread_is_alive: Any, address: str) -> None:
    """Return once the address answers; fail if what should answer has ended."""
    while process_or_thread_is_alive():
        try:
            httpx.get(f"{address}/health")
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"the collector at {address} has ended")


@contextmanager
def serving(settings: Settings, max_waiting_bytes: int = 1 << 25) -> Iterator[Served]:
    """Serve in a thread, so that a test can make the disk fail."""
    site = new_site(settings, "shop")
    port = settings.ports.collector
    opened = partial(open_collector, settings, max_waiting_bytes)
    app = build_app(lambda: Opening(opened, settings.home))
    config = uvicorn.Config(app, HOST, port, http=GuardedHttp, log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    address = f"http://{HOST}:{port}"
    try:
        wait_for(thread.is_alive, address)
        with httpx.Client(base_url=address, timeout=20) as client:
            yield Served(settings, site, client)
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def process(settings: Settings) -> Iterator[subprocess.Popen[str]]:
    """Run ``python -m app.collector`` until the block ends."""
    command = [sys.executable, "-m", "app.collector"]
    environment = {**os.environ, **settings.environment()}
    with subprocess.Popen(
        command, env=environment, stderr=subprocess.PIPE, text=True
    ) as running:
        try:
            address = f"http://{HOST}:{settings.ports.collector}"
            wait_for(lambda: running.poll() is None, address)
            yield running
        finally:
            running.kill()
