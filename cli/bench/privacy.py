"""Erasing one visitor of many, beside a plain copy of the warehouse's file."""

import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random

from cli.bench.figure import Bench, Figure, over_peer
from cli.bench.served import add_site, temporary_home
from code24.contracts.event import Event, LogRecord
from code24.contracts.wire import encode
from code24.event_log import SegmentWriter
from code24.settings import Settings
from code24.state import erasures, open_state
from orchestration.defs.privacy.erasure import erase
from orchestration.instance import prepare
from orchestration.run import run_loop

EVENTS_A_VISITOR = 20
DAYS = 60
START = datetime(2026, 1, 1, tzinfo=UTC)
VISITOR, SITE = "v21", "site1"
"""One of the simulated visitors, each of whom has some twenty events."""


def erase_visitor(settings: Settings, quick: bool) -> dict[str, Figure]:
    """Measure an erasure with all its steps, models built anew, on a built home."""
    events = 50_000 if quick else 1_000_000
    with temporary_home(settings) as home:
        prepare(home)
        _fill(home, events)
        run_loop(home, lambda _: None)
        copied = _copy_seconds(home)
        erased = _erase_seconds(home)
    peer = f"a plain copy of the DuckDB file, {events:,} simulated events"
    return {"privacy.erase_visitor_s": over_peer([erased], [copied], "s", peer)}


def _fill(home: Settings, events: int) -> None:
    add_site(home, SITE)
    with SegmentWriter(home.log, "import") as log:
        records = _records(events)
        while batch := list(islice(records, 20_000)):
            log.append(batch)


def _records(events: int) -> Iterator[bytes]:
    rng = Random(20260101)  # noqa: S311 - simulated visitors, no secret
    for number in range(events):
        visitor = rng.randrange(events // EVENTS_A_VISITOR)
        at = START + timedelta(seconds=rng.random() * DAYS * 86_400)
        event = Event(
            id=f"e{number:012d}",
            site_id=SITE,
            event_type="page_view",
            visitor_id=f"v{visitor}",
            timestamp=at,
            url=f"https://{SITE}.example/{rng.randrange(200)}",
            metadata={"pageViewId": f"p{number}", "unitId": f"u{visitor}"},
        )
        yield encode(LogRecord(event=event, received_at=at, origin="import"))


def _copy_seconds(home: Settings) -> float:
    start = time.perf_counter()
    shutil.copyfile(home.warehouse, home.warehouse.with_suffix(".plain"))
    seconds = time.perf_counter() - start
    home.warehouse.with_suffix(".plain").unlink()
    return seconds


def _erase_seconds(home: Settings) -> float:
    start = time.perf_counter()
    with open_state(home.database_url) as state:
        subject = erasures.subject(state, SITE, VISITOR, keys=home.keys)
        erase(home, state, subject, actor="bench")
    return time.perf_counter() - start


ERASE_VISITOR = Bench(("privacy.erase_visitor_s",), erase_visitor)
