"""How fast the whole warehouse is built from raw events."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random

import duckdb

from cli.bench.figure import Bench, Figure, over_peer
from cli.bench.served import add_site, temporary_home
from code24.contracts.event import Event, LogRecord
from code24.contracts.wire import encode
from code24.errors import Code24Error
from code24.event_log import SegmentWriter
from code24.settings import Settings
from orchestration.dbt import ResidentDbt
from orchestration.defs.raw.assets import snapshot
from orchestration.defs.raw.drain import drain

DAYS = 60
SITES = 20
START = datetime(2026, 1, 1, tzinfo=UTC)
SCAN = """
    select count(*), count(distinct (site_id, visitor_id)), sum(conversion_value)
    from read_parquet('{events}/*/*.parquet')
"""


def full_build(settings: Settings, quick: bool) -> dict[str, Figure]:
    """Measure a build of all models and their tests, beside one scan of the files."""
    events, runs = (50_000, 1) if quick else (1_000_000, 1)
    built: list[float] = []
    scanned: list[float] = []
    for _ in range(runs):
        with temporary_home(settings) as home:
            _fill(home, events)
            built.append(events / _build_seconds(home))
            scanned.append(events / _scan_seconds(home))
    peer = f"one DuckDB scan of the same raw files, {events:,} simulated events"
    return {
        "warehouse.full_build_events_s": over_peer(built, scanned, "events/s", peer)
    }


def _fill(home: Settings, events: int) -> None:
    for number in range(SITES):
        add_site(home, f"site{number}")
    with SegmentWriter(home.log, "import") as log:
        records = _records(events)
        while batch := list(islice(records, 20_000)):
            log.append(batch)
    drain(home.log, home.raw)
    snapshot(home)


def _records(events: int, seed: int = 20260101) -> Iterator[bytes]:
    rng = Random(seed)  # noqa: S311 - simulated visitors, no secret
    for number in range(events):
        visitor = rng.randrange(max(events // 20, 1))
        at = START + timedelta(seconds=rng.random() * DAYS * 86_400)
        is_conversion = rng.random() < 0.03
        event = Event(
            id=f"e{number:012d}",
            site_id=f"site{visitor % SITES}",
            event_type="conversion" if is_conversion else "page_view",
            goal_type="traffic" if is_conversion else None,
            conversion_value=round(rng.random() * 50, 2) if is_conversion else None,
            visitor_id=f"v{visitor}",
            timestamp=at,
            url=f"https://site{visitor % SITES}.example/{rng.randrange(200)}",
            metadata={"pageViewId": f"p{number}"},
        )
        yield encode(LogRecord(event=event, received_at=at, origin="import"))


def _build_seconds(home: Settings) -> float:
    dbt = ResidentDbt(home)
    start = time.perf_counter()
    failed = [result for result in dbt.build() if result.is_failed]
    if failed:
        raise Code24Error(f"{failed[0].unique_id}: {failed[0].message}")
    return time.perf_counter() - start


def _scan_seconds(home: Settings) -> float:
    start = time.perf_counter()
    duckdb.sql(SCAN.format(events=home.raw / "events")).fetchall()
    return time.perf_counter() - start


FULL_BUILD = Bench(("warehouse.full_build_events_s",), full_build)
