from pathlib import Path

import pytest

from orchestration.defs.raw.compaction import compact
from orchestration.defs.raw.drain import drain
from orchestration.defs.raw.files import RawError, event_files
from orchestration.defs.raw.verify import verify
from tests.orchestration.defs.raw.logs import append_numbers


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    append_numbers(tmp_path / "log", "live", 0, 150)
    drain(tmp_path / "log", tmp_path / "raw", chunk_records=40)
    return tmp_path / "raw"


def test_whole_raw_passes_before_and_after_compaction(raw: Path) -> None:
    assert verify(raw) == {"live": 150}
    compact(raw, above=2)
    assert verify(raw) == {"live": 150}


def test_a_missing_file_is_told(raw: Path) -> None:
    event_files(raw / "events")[1].path.unlink()
    with pytest.raises(RawError, match="'live' has 130 rows of 150 records"):
        verify(raw)


def test_a_corrupt_file_is_named(raw: Path) -> None:
    path = event_files(raw / "events")[1].path
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(RawError, match=path.name):
        verify(raw)


def test_a_copy_under_another_name_is_told(raw: Path) -> None:
    first = event_files(raw / "events")[0].path
    first.with_name("live-000000000003-000000000004.parquet").write_bytes(
        first.read_bytes()
    )
    with pytest.raises(RawError, match="190 rows of 150"):
        verify(raw)
