"""Times of live events are set right the same way by the door and by the warehouse."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from code24.contracts.event import Event, LogRecord, Origin
from code24.enrichment.clock import happened_at
from tests.dbt_project.warehouse import Warehouse

RECEIVED = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
SPANS = (0, 1, 4_999_999, 5_000_000, 5_000_001, 60_000_000, 3_600_000_000, 10**15)
"""Microseconds around the border below which nothing is corrected, and far beyond."""


def record(number: int, random: Random) -> LogRecord:
    origins: tuple[Origin, ...] = ("live", "live", "live", "import", "replay")
    sent = RECEIVED + timedelta(
        microseconds=random.choice((-1, 1)) * random.choice(SPANS)
    )
    ago = timedelta(microseconds=random.choice((-1, 1, 1)) * random.choice(SPANS[:-1]))
    event = Event(
        id=f"e{number}",
        site_id="alpha",
        event_type="page_view",
        visitor_id="v",
        timestamp=sent - ago,
        sent_at=sent if random.random() < 0.9 else None,
    )
    return LogRecord(event=event, received_at=RECEIVED, origin=random.choice(origins))


def expected(record: LogRecord) -> datetime:
    event = record.event
    if record.origin != "live":
        return event.timestamp
    return happened_at(event.timestamp, event.sent_at, record.received_at)


def test_the_door_and_the_warehouse_agree(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path / "home")
    warehouse.snapshot()
    random = Random(7)  # noqa: S311  no secret
    records = [record(number, random) for number in range(2_000)]
    warehouse.log("live", records)
    warehouse.dbt("run", "--select", "stg_events")

    rows = warehouse.query(
        "select event_id, event_at, client_at from staging.stg_events"
    )
    found = {event_id: (at, client) for event_id, at, client in rows}
    wanted = {
        record.event.id: (
            expected(record).replace(tzinfo=None),
            record.event.timestamp.replace(tzinfo=None),
        )
        for record in records
    }

    assert found == wanted
    assert sum(at != client for at, client in found.values()) > 500


def test_a_retry_with_another_sent_at_is_no_second_version(tmp_path: Path) -> None:
    first = Event(
        id="e1",
        site_id="alpha",
        event_type="page_view",
        visitor_id="v",
        timestamp=RECEIVED + timedelta(hours=3),
        sent_at=RECEIVED + timedelta(hours=3, minutes=1),
    )
    again = RECEIVED + timedelta(minutes=20)
    warehouse = Warehouse(tmp_path / "home")
    warehouse.snapshot()
    warehouse.log("live", [LogRecord(event=first, received_at=RECEIVED, origin="live")])
    warehouse.dbt("run", "--select", "stg_events")
    warehouse.log("live", [LogRecord(event=first, received_at=again, origin="live")])
    warehouse.dbt("run", "--select", "stg_events")

    assert warehouse.query("select event_at from staging.stg_events") == [
        ((RECEIVED - timedelta(minutes=1)).replace(tzinfo=None),)
    ]
