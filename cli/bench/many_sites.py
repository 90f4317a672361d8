"""The memory that a dispatcher of many sites takes, and how long it takes to serve."""

import time
from datetime import UTC, datetime

import httpx
import psutil

from cli.bench.evaluation import many_tests
from cli.bench.figure import Bench, Figure
from cli.bench.served import serving, temporary_home
from code24.errors import Code24Error
from code24.releases import Publisher
from code24.settings import HOST, Settings

TESTS = 20
LIMIT_MB = 2_000
"""What a small machine has to spare for it."""
PATIENCE_SECONDS = 300


def memory(settings: Settings, quick: bool) -> dict[str, Figure]:
    """Publish 10,000 sites of 20 tests (2,000 if quick), serve them, and weigh it."""
    count = 2_000 if quick else 10_000
    shards = [many_tests(TESTS, f"site-{number}") for number in range(count)]
    with temporary_home(settings) as home:
        publisher = Publisher(home.releases, home.keys)
        publisher.publish(shards, created_at=datetime.now(UTC), provenance={})
        port, start = home.ports.dispatcher, time.perf_counter()
        with serving(home, "app.dispatcher", port, PATIENCE_SECONDS) as process:
            _await_sites(port, count)
            seconds = time.perf_counter() - start
            megabytes = psutil.Process(process).memory_info().rss / 2**20
    scaled = megabytes * 10_000 / count
    figure = Figure(
        value=megabytes,
        unit="MB resident",
        against=f"{count:,} sites of {TESTS} tests, served {seconds:.1f} s after the "
        f"start; limit {LIMIT_MB:,} MB for 10,000",
        ratio=scaled / LIMIT_MB,
        runs=1,
    )
    return {"dispatcher.memory_mb_10k_sites": figure}


def _await_sites(port: int, count: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        told = httpx.get(f"http://{HOST}:{port}/health", timeout=PATIENCE_SECONDS)
        if told.json()["sites"] == count:
            return
        time.sleep(0.1)
    raise Code24Error(f"{count:,} sites were not served in {PATIENCE_SECONDS} s")


MEMORY = Bench(("dispatcher.memory_mb_10k_sites",), memory)
