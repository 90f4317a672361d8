"""How soon the collector acknowledges, and what durability costs it."""

import asyncio
import base64
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec

from cli.bench.figure import Bench, Figure, over_limit, over_peer
from cli.bench.load import Request, closed_loop, open_loop, post
from cli.bench.served import add_site, serving, temporary_home
from code24.errors import Code24Error
from code24.settings import Settings

ACK_LIMIT_MS = 100.0
"""The founding document's limit from request to acknowledged."""
RATES = (1000, 5000)
BATCH = 20


def acknowledged(settings: Settings, quick: bool) -> dict[str, Figure]:
    """Measure the 99th percentile of acknowledging single events, open loop."""
    runs, seconds = (1, 3) if quick else (5, 10)
    values: dict[int, list[float]] = {rate: [] for rate in RATES}
    for rate in RATES * runs:
        with temporary_home(settings) as home:
            values[rate].append(_p99(home, rate, seconds))
    return {
        f"collector.ack_p99_ms_{rate}": over_limit(
            values[rate], "ms", ACK_LIMIT_MS, "limit 100 ms"
        )
        for rate in RATES
    }


def durable(settings: Settings, quick: bool) -> dict[str, Figure]:
    """Measure durable events a second, beside the same server that keeps nothing."""
    runs, batches = (1, 500) if quick else (5, 2000)
    kept: list[float] = []
    discarded: list[float] = []
    for _ in range(runs):
        kept.append(_throughput(settings, "app.collector", batches))
        discarded.append(_throughput(settings, "cli.bench.no_sink", batches))
    peer = "the same server without a sink, batches of 20"
    return {
        "collector.durable_over_nosink": over_peer(kept, discarded, "events/s", peer)
    }


def _p99(home: Settings, rate: int, seconds: int) -> float:
    requests = list(_requests(home, rate * seconds, 1))
    port = home.ports.collector
    with serving(home, "app.collector", port):
        asyncio.run(closed_loop(port, requests[:200]))
        outcome = asyncio.run(open_loop(port, requests, rate))
    _require_none_failed(outcome.failed)
    return outcome.percentile(0.99)


def _throughput(settings: Settings, module: str, batches: int) -> float:
    with temporary_home(settings) as home:
        requests = list(_requests(home, batches, BATCH))
        port = home.ports.collector
        with serving(home, module, port):
            asyncio.run(closed_loop(port, requests[:50]))
            outcome = asyncio.run(closed_loop(port, requests, connections=32))
    _require_none_failed(outcome.failed)
    return batches * BATCH / outcome.seconds


def _requests(home: Settings, count: int, size: int) -> Iterator[Request]:
    site = add_site(home, "bench")
    token = base64.b64encode(f"{site.write_key}:".encode()).decode()
    for number in range(count):
        events = [_event(number * size + offset) for offset in range(size)]
        body = msgspec.json.encode({"events": events})
        yield post("/v1/events", body, f"Basic {token}")


def _event(number: int) -> dict[str, object]:
    """Return an event of about 500 bytes, as a browser sends."""
    return {
        "id": f"event-{number:012d}",
        "siteId": "bench",
        "eventType": "page_view",
        "visitorId": f"visitor-{number % 5000}",
        "sessionId": f"session-{number % 5000}",
        "timestamp": datetime.now(UTC).isoformat(),
        "url": "https://bench.example/articles/what-a-reader-wants?utm_source=mail",
        "referrer": "https://search.example/",
        "metadata": {
            "pageViewId": f"view-{number}",
            "title": "What a reader wants, and how one finds out",
            "device": "mobile",
            "country": "GB",
        },
    }


def _require_none_failed(failed: int) -> None:
    if failed:
        raise Code24Error(f"{failed} requests were not acknowledged")


ACKNOWLEDGED = Bench(
    tuple(f"collector.ack_p99_ms_{rate}" for rate in RATES), acknowledged
)
DURABLE = Bench(("collector.durable_over_nosink",), durable)
