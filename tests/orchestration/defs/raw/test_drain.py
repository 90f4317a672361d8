import shutil
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from code24.contracts.event import Event, LogRecord
from code24.event_log import SegmentWriter
from orchestration.defs.raw.drain import Drained, drain
from orchestration.defs.raw.files import RawError, event_files, read_committed
from tests.orchestration.defs.raw.logs import append, append_numbers, record


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    return tmp_path / "raw"


def query(raw: Path, sql: str) -> list[tuple[object, ...]]:
    files = raw / "events" / "*" / "*.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            f"create view events as from read_parquet('{files}', "
            "hive_partitioning = true)"
        )
        return connection.sql(sql).fetchall()


def test_every_record_is_written_once_under_its_received_date(
    log: Path, raw: Path
) -> None:
    append_numbers(log, "live", 0, 150)
    append_numbers(log, "import", 0, 7)

    drained = drain(log, raw, chunk_records=40)

    assert sorted(drained) == [
        Drained("import", 0, 7, 1),
        Drained("live", 0, 150, 5),
    ]
    assert query(
        raw,
        "select received_date::varchar, log_partition, count(*), "
        "count(distinct log_offset) from events group by all order by all",
    ) == [
        ("2026-03-01", "import", 7, 7),
        ("2026-03-01", "live", 60, 60),
        ("2026-03-02", "live", 90, 90),
    ]
    assert read_committed(raw / "events") == {"live": 150, "import": 7}


def test_a_second_drain_adds_nothing_and_a_third_only_what_came(
    log: Path, raw: Path
) -> None:
    append_numbers(log, "live", 0, 10)
    drain(log, raw)
    before = event_files(raw / "events")

    assert drain(log, raw) == (Drained("live", 10, 10, 0),)
    assert event_files(raw / "events") == before

    append_numbers(log, "live", 10, 12)
    assert drain(log, raw) == (Drained("live", 10, 12, 1),)
    assert query(raw, "select count(*), max(log_offset) from events") == [(12, 11)]


def test_columns_and_values_are_as_agreed(log: Path, raw: Path) -> None:
    at = datetime(2026, 3, 1, 8, 0, 0, 123456, tzinfo=UTC)
    event = Event(
        id="order-1",
        site_id="complete-journey",
        event_type="conversion",
        goal_type="sales",
        conversion_value=12.34,
        visitor_id="h1",
        session_id="s1",
        timestamp=at,
        sent_at=at,
        url="https://complete-journey.example/",
        referrer="https://example.com/",
        metadata={"b": 1, "a": "ü"},
    )
    append(
        log,
        "import",
        [LogRecord(event=event, received_at=at, origin="import", bot_reason="says so")],
    )

    drain(log, raw)

    naive = at.replace(tzinfo=None)
    row = query(raw, "from events")[0]
    assert row == (
        "order-1",
        "complete-journey",
        "conversion",
        "sales",
        12.34,
        "h1",
        "s1",
        naive,
        naive,
        naive,
        "https://complete-journey.example/",
        "https://example.com/",
        '{"a":"ü","b":1}',
        "import",
        "says so",
        "import",
        0,
        naive.date(),
    )


def test_an_empty_log_leaves_a_table_of_no_rows(log: Path, raw: Path) -> None:
    assert drain(log, raw) == ()
    assert query(raw, "select count(*) from events") == [(0,)]


def test_chunks_are_bounded_by_bytes_too(log: Path, raw: Path) -> None:
    append_numbers(log, "live", 0, 10)
    assert drain(log, raw, chunk_bytes=1) == (Drained("live", 0, 10, 10),)


def test_a_log_that_was_cut_is_told_and_nothing_is_removed(
    log: Path, raw: Path
) -> None:
    append_numbers(log, "live", 0, 10)
    drain(log, raw)
    before = event_files(raw / "events")
    shutil.rmtree(log / "live")

    with pytest.raises(RawError, match=r"ends at record 0, but .* up to 10"):
        drain(log, raw)
    (raw / "events" / "committed.json").unlink()
    with pytest.raises(RawError, match=r"ends at record 0, but .* up to 10"):
        drain(log, raw)
    assert event_files(raw / "events") == before


def test_a_record_of_another_version_is_named(log: Path, raw: Path) -> None:
    with SegmentWriter(log, "live") as writer:
        writer.append([b'{"event": 1}'])
    with pytest.raises(RawError, match="'live', record 0"):
        drain(log, raw)
    assert read_committed(raw / "events") == {}


def test_a_file_that_the_drain_did_not_write_is_refused(log: Path, raw: Path) -> None:
    append(log, "live", [record(0)])
    drain(log, raw)
    (raw / "events" / "received_date=2026-03-01" / "mine.parquet").touch()
    with pytest.raises(RawError, match=r"mine\.parquet: not named"):
        drain(log, raw)


def test_a_broken_commit_file_names_the_way_out(log: Path, raw: Path) -> None:
    (raw / "events").mkdir(parents=True)
    (raw / "events" / "committed.json").write_text("{")
    with pytest.raises(RawError, match=r"committed\.json.*delete the folder"):
        drain(log, raw)
