"""An incremental build equals one from nothing, row by row, after every batch."""

from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from code24.contracts.event import Event, LogRecord
from tests.dbt_project.traffic import EXPERIMENTS, SITES, START, VARIANTS, Traffic
from tests.dbt_project.warehouse import Warehouse

BATCHES = 4


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    warehouse = Warehouse(tmp_path / "home")
    warehouse.snapshot(
        sites=[
            {
                "site_id": site,
                "host": f"{site}.example",
                "vertical": "news",
                "is_shared": True,
            }
            for site in SITES
        ],
        experiments=[
            {
                "experiment_id": experiment,
                "site_id": site,
                "test_type": "headline",
                "goal_type": "sales",
                "status": "running",
                "coverage": 1.0,
                "hash_version": 2,
                "start_at": None,
                "end_at": None,
                "winner_variant_id": None,
                "decision_id": None,
            }
            for site, experiment in EXPERIMENTS.items()
        ],
        variants=[
            {
                "experiment_id": experiment,
                "variation_index": index,
                "variant_id": variant,
                "name": variant,
            }
            for experiment in EXPERIMENTS.values()
            for index, variant in enumerate(VARIANTS)
        ],
    )
    return warehouse


def take(warehouse: Warehouse, batch: dict[str, list[LogRecord]]) -> None:
    for partition, records in batch.items():
        warehouse.log(partition, records)


def test_every_increment_equals_a_full_refresh(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    traffic = Traffic(seed=1)
    take(warehouse, traffic.batch())
    warehouse.dbt("run")
    for number in range(1, BATCHES):
        take(warehouse, traffic.batch())
        warehouse.dbt("run")
        fresh = warehouse.twin(tmp_path / f"fresh{number}")
        fresh.dbt("run")
        assert warehouse.differences(fresh) == {}, f"batch {number}"
    warehouse.dbt("test", "--select", "test_type:data")


def test_models_that_fell_behind_and_overtaken_events_end_the_same(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    traffic = Traffic(seed=2)
    take(warehouse, traffic.batch())
    warehouse.dbt("run")
    take(warehouse, traffic.batch())
    warehouse.dbt("run", "--select", "stg_events", "int_sessions", "fct_conversions")
    take(warehouse, traffic.batch())
    warehouse.dbt("run", "--exclude", "fct_sessions", "fct_exposures", "int_exposures")
    take(warehouse, traffic.batch())
    warehouse.dbt("run")
    fresh = warehouse.twin(tmp_path / "fresh")
    fresh.dbt("run")
    assert warehouse.differences(fresh) == {}

    take(warehouse, traffic.batch(overtaking=20))
    warehouse.dbt("run")
    overtaken = warehouse.twin(tmp_path / "overtaken")
    overtaken.dbt("run")
    assert warehouse.differences(overtaken) == {}


def test_increments_of_recent_events_alone_equal_a_full_refresh(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    traffic = Traffic(seed=4, history=False)
    for _ in range(BATCHES):
        take(warehouse, traffic.batch())
        warehouse.dbt("run")
    fresh = warehouse.twin(tmp_path / "fresh")
    fresh.dbt("run")
    assert warehouse.differences(fresh) == {}


def test_a_late_event_joins_what_ended_half_an_hour_before_and_old_client_sessions(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    later = START + timedelta(days=10)
    gap = timedelta(minutes=30)
    second = timedelta(seconds=1)
    first = [
        page_view("a", "v1", later - gap),
        page_view("b", "v2", later - gap - second),
        page_view("c", "v3", later + gap),
        page_view("d", "v4", later + gap + second),
        page_view("e", "v5", START, session="old"),
        page_view("f", "v6", START),
    ]
    second_batch = [
        page_view(f"new-{number}", f"v{number}", later) for number in (1, 2, 3, 4, 6)
    ]
    warehouse.log("live", first)
    warehouse.dbt("run")
    warehouse.log(
        "live", [*second_batch, page_view("new-5", "v5", later, session="old")]
    )
    warehouse.dbt("run")

    fresh = warehouse.twin(tmp_path / "fresh")
    fresh.dbt("run")
    assert warehouse.differences(fresh) == {}
    spans = warehouse.query(
        "select stream_id, count(*) from intermediate.int_sessions "
        "group by all order by 1"
    )
    assert spans == [
        *(("s:old", 1), ("v:v1", 1), ("v:v2", 2)),
        *(("v:v3", 1), ("v:v4", 2), ("v:v6", 2)),
    ]


def page_view(
    event_id: str, visitor: str, moment: datetime, session: str | None = None
) -> LogRecord:
    """Return the record of a page view that was received when it happened."""
    event = Event(
        id=event_id,
        site_id="alpha",
        event_type="page_view",
        visitor_id=visitor,
        session_id=session,
        timestamp=moment,
    )
    return LogRecord(event=event, received_at=moment, origin="live")


def test_an_increment_leaves_alone_what_did_not_change(warehouse: Warehouse) -> None:
    traffic = Traffic(seed=3)
    take(warehouse, traffic.batch())
    warehouse.dbt("run")
    marked = {
        "fct_sessions": "country",
        "fct_page_views": "country",
        "dim_visitors": "referrer",
    }
    with duckdb.connect(str(warehouse.file)) as connection:
        for table, column in marked.items():
            update = f"update marts.{table} set {column} = 'untouched'"  # noqa: S608
            connection.execute(update)
    event = Event(
        id="new",
        site_id="alpha",
        event_type="page_view",
        visitor_id="v1",
        timestamp=START + timedelta(hours=1),
    )
    record = LogRecord(event=event, received_at=event.timestamp, origin="live")
    before = warehouse.query("select max(log_offset) + 1 from raw.events")[0][0]

    warehouse.log("live", [record])
    warehouse.dbt("run")

    for table, column in marked.items():
        rewritten = warehouse.query(
            f"select distinct site_id, visitor_id from marts.{table} "  # noqa: S608
            f"where {column} is distinct from 'untouched'"
        )
        assert rewritten == [("alpha", "v1")], table
    compiled = next(warehouse.home.rglob("compiled/**/stg_events.sql"))
    assert f"log_offset >= {before}" in compiled.read_text(encoding="utf-8")
