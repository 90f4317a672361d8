from pathlib import Path

import pytest

from orchestration.defs.raw.compaction import compact, tail
from orchestration.defs.raw.drain import drain
from orchestration.defs.raw.files import RawError, event_files
from tests.orchestration.defs.raw.logs import append_numbers
from tests.orchestration.defs.raw.test_drain import query


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a home whose raw events are ten files of five rows, of one date."""
    for start in range(0, 50, 5):
        append_numbers(tmp_path / "log", "live", start, start + 5)
        drain(tmp_path / "log", tmp_path / "raw")
    return tmp_path


def test_many_files_of_a_date_become_one_with_the_same_rows(home: Path) -> None:
    raw = home / "raw"
    before = query(raw, "from events order by log_offset")

    merged = compact(raw, above=9)

    assert [file.path.name for file in merged] == [
        "live-000000000000-000000000050.parquet"
    ]
    assert event_files(raw / "events") == list(merged)
    assert query(raw, "from events order by log_offset") == before


def test_few_files_stay_as_they_are(home: Path) -> None:
    before = event_files(home / "raw" / "events")
    assert compact(home / "raw", above=10) == ()
    assert event_files(home / "raw" / "events") == before


def test_partitions_and_dates_are_compacted_apart(home: Path) -> None:
    append_numbers(home / "log", "import", 0, 150)
    drain(home / "log", home / "raw", chunk_records=10)

    compact(home / "raw", above=2)

    assert [
        (file.path.parent.name, file.path.name)
        for file in event_files(home / "raw" / "events")
    ] == [
        ("received_date=2026-03-01", "import-000000000000-000000000060.parquet"),
        ("received_date=2026-03-01", "live-000000000000-000000000050.parquet"),
        ("received_date=2026-03-02", "import-000000000060-000000000150.parquet"),
    ]
    assert query(home / "raw", "select count(*) from events") == [(200,)]


def test_a_large_old_file_is_not_rewritten_each_time(home: Path) -> None:
    compact(home / "raw", above=9)
    for start in range(50, 56):
        append_numbers(home / "log", "live", start, start + 1)
        drain(home / "log", home / "raw")

    files = event_files(home / "raw" / "events")

    assert [(file.start, file.end) for file in tail(files)] == [
        (start, start + 1) for start in range(50, 56)
    ]


def test_a_corrupt_file_is_named_and_nothing_is_lost(home: Path) -> None:
    files = event_files(home / "raw" / "events")
    files[3].path.write_bytes(b"PAR1 not really")
    with pytest.raises(RawError, match=r"live-000000000015-000000000020.*delete the"):
        compact(home / "raw", above=2)
    assert event_files(home / "raw" / "events") == files
