"""How soon the event that crosses a threshold is answered by a new release.

All processes of ``code24 up`` run, Dagster's daemon and the resident worker among them.
Each site has a test that stands one conversion short of what a decision needs. That
conversion is sent; the clock runs from its request until the dispatcher serves the
winner to everyone.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random
from typing import Any

import httpx

from cli.bench.figure import Bench, Figure
from cli.bench.served import temporary_home
from code24.contracts.event import Event, LogRecord
from code24.contracts.experiment import Experiment, Variant
from code24.contracts.site import Site
from code24.contracts.wire import encode
from code24.errors import Code24Error
from code24.event_log import SegmentWriter
from code24.settings import HOST, Settings
from code24.state import experiments, open_state, sites, thresholds, workers

NAMES = ("loop.event_to_release_p50_s", "loop.event_to_release_p95_s")
LIMITS = (2.0, 5.0)
SHARES = (0.5, 0.95)
SITES = 100
UNITS = 2_000
"""Units of each variant of a site's test."""
CONVERSIONS = {"old": 24, "new": 120}
"""One fewer for the control than the analysis wants before it concludes anything."""
DAYS = 60
START_SECONDS = 240.0
TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Way:
    """Where an event goes in, and where its outcome comes out."""

    settings: Settings
    site: Site

    @property
    def test_id(self) -> str:
        """Return the id of the site's test."""
        return _test_id(self.site.site_id)

    def expose(self) -> None:
        """Let the unit that will convert be seen live, as a visitor is."""
        self._post(_exposure(self.site.site_id, "old", self._unit, datetime.now(UTC)))

    def seconds(self) -> float:
        """Send the event that decides; return the time until the winner is served."""
        event = _conversion(self.site.site_id, self._unit, datetime.now(UTC))
        start = time.perf_counter()
        self._post(event)
        while not self._is_shipped():
            if time.perf_counter() - start > TIMEOUT_SECONDS:
                raise Code24Error(
                    f"test {self.test_id!r}: not shipped in {TIMEOUT_SECONDS:.0f} s"
                )
            time.sleep(0.01)
        return time.perf_counter() - start

    @property
    def _unit(self) -> str:
        return f"{self.site.site_id}-old-{UNITS - 1}"

    def _post(self, event: Event) -> None:
        address = f"http://{HOST}:{self.settings.ports.collector}/v1/events"
        key = (self.site.write_key, "")
        httpx.post(address, content=encode(event), auth=key).raise_for_status()

    def _is_shipped(self) -> bool:
        address = f"http://{HOST}:{self.settings.ports.dispatcher}/api/features/"
        answer: Any = httpx.get(address + self.site.client_key).json()
        feature = answer["features"][self.test_id]
        return "rules" not in feature and feature["defaultValue"] == "new"


def event_to_release(settings: Settings, quick: bool) -> dict[str, Figure]:
    """Measure from the request of the deciding event to its winner being served."""
    events, runs = (400_000, 6) if quick else (1_000_000, 40)
    with temporary_home(settings) as home:
        ways = _fill(home, events)
        _run_loop(home)
        with _up(home):
            taken = list(_measured(ways[: runs + 1]))[1:]
    return dict(zip(NAMES, _figures(sorted(taken), events), strict=True))


def _figures(taken: Sequence[float], events: int) -> Iterator[Figure]:
    for share, limit in zip(SHARES, LIMITS, strict=True):
        value = taken[min(int(share * len(taken)), len(taken) - 1)]
        yield Figure(
            value=value,
            unit="s",
            against=f"limit {limit:.0f} s, {SITES} sites, {events:,} events",
            ratio=value / limit,
            runs=len(taken),
        )


def _measured(ways: Sequence[Way], seed: int = 20261124) -> Iterator[float]:
    """Measure each way, at moments that no poll interval is in step with."""
    rng = Random(seed)  # noqa: S311 - spreads moments, no secret
    for way in ways:
        way.expose()
        time.sleep(rng.uniform(2.0, 4.0))
        yield way.seconds()


def _fill(home: Settings, events: int) -> list[Way]:
    ways = []
    now = datetime.now(UTC)
    with open_state(home.database_url) as state:
        for number in range(SITES):
            site_id = f"site{number:03}"
            by: dict[str, Any] = {"actor": "bench", "now": now}
            host = f"{site_id}.example"
            site = sites.add_site(state, site_id, host, "fashion", ("sales",), **by)
            ways.append(Way(home, site))
            experiments.create_test(state, _test(site_id, now), **by)
            name = "conversions_since_analysis"
            thresholds.set_threshold(state, site_id, name, 1, **by)
    with SegmentWriter(home.log, "import") as log:
        records = (encode(record) for record in _records(ways, events // SITES, now))
        while batch := list(islice(records, 20_000)):
            log.append(batch)
    return ways


def _test(site_id: str, now: datetime) -> Experiment:
    return Experiment(
        test_id=_test_id(site_id),
        site_id=site_id,
        test_type="layout",
        goal_type="sales",
        variants=(
            Variant(variant_id="old", name="Old page"),
            Variant(variant_id="new", name="New page"),
        ),
        traffic_split=(0.5, 0.5),
        status="running",
        start_date=now - timedelta(days=DAYS),
    )


def _test_id(site_id: str) -> str:
    return f"{site_id}-page"


def _records(ways: Sequence[Way], events: int, now: datetime) -> Iterator[LogRecord]:
    """Yield the history of each site: its test's units, then page views."""
    rng = Random(20261124)  # noqa: S311 - simulated visitors, no secret
    for way in ways:
        for event in islice(_history(way.site.site_id, now, rng), events):
            yield LogRecord(event=event, received_at=event.timestamp, origin="import")


def _history(site_id: str, now: datetime, rng: Random) -> Iterator[Event]:
    def moment() -> datetime:
        return now - timedelta(hours=1 + rng.random() * (DAYS - 1) * 24)

    for variant_id, converting in CONVERSIONS.items():
        for number in range(UNITS):
            unit, at = f"{site_id}-{variant_id}-{number}", moment()
            yield _exposure(site_id, variant_id, unit, at)
            if number < converting:
                yield _conversion(site_id, unit, at + timedelta(minutes=5))
    number = 0
    while True:
        number += 1
        visitor = f"{site_id}-v{rng.randrange(UNITS)}"
        yield Event(
            id=f"{site_id}-page-{number}",
            site_id=site_id,
            event_type="page_view",
            visitor_id=visitor,
            timestamp=moment(),
            url=f"https://{site_id}.example/{rng.randrange(200)}",
            metadata={"pageViewId": f"{site_id}-page-{number}"},
        )


def _exposure(site_id: str, variant_id: str, unit: str, at: datetime) -> Event:
    return Event(
        id=f"view-{unit}-{at:%d%H%M%S%f}",
        site_id=site_id,
        event_type="interaction",
        visitor_id=unit,
        timestamp=at,
        metadata={
            "name": "experiment_viewed",
            "experimentId": _test_id(site_id),
            "variationId": variant_id,
            "unitId": unit,
        },
    )


def _conversion(site_id: str, unit: str, at: datetime) -> Event:
    return Event(
        id=f"sale-{unit}",
        site_id=site_id,
        event_type="conversion",
        goal_type="sales",
        conversion_value=20.0,
        visitor_id=unit,
        timestamp=at,
    )


def _run_loop(home: Settings) -> None:
    command = (sys.executable, "-m", "cli", "run", "--sample", "no")
    environment = {**os.environ, **home.environment()}
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)


@contextmanager
def _up(home: Settings) -> Iterator[None]:
    """Run everything, until worker, dispatcher and Dagster are there."""
    environment = {**os.environ, **home.environment()}
    command = (sys.executable, "-m", "cli", "up")
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as up:
        try:
            deadline = time.monotonic() + START_SECONDS
            while not _is_up(home):
                if time.monotonic() > deadline or up.poll() is not None:
                    raise Code24Error("code24 up: not all processes came up")
                time.sleep(1.0)
            yield
        finally:
            up.send_signal(signal.SIGINT)


def _is_up(home: Settings) -> bool:
    ports = (home.ports.collector, home.ports.dispatcher, home.ports.dagster)
    paths = ("/health", "/health", "/server_info")
    with open_state(home.database_url) as state:
        is_working = bool(workers.list_workers(state))
    return is_working and all(map(_answers, ports, paths))


def _answers(port: int, path: str) -> bool:
    try:
        return httpx.get(f"http://{HOST}:{port}{path}", timeout=2.0).is_success
    except httpx.HTTPError:
        return False


EVENT_TO_RELEASE = Bench(NAMES, event_to_release)
