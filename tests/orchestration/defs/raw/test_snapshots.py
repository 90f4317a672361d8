from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

from orchestration.defs.raw.files import RawError
from orchestration.defs.raw.schema import SNAPSHOTS
from orchestration.defs.raw.snapshots import write_snapshots


def empty() -> dict[str, list[dict[str, Any]]]:
    return {name: [] for name in SNAPSHOTS}


def test_tables_without_rows_are_typed(tmp_path: Path) -> None:
    assert write_snapshots(tmp_path, empty()) == dict.fromkeys(SNAPSHOTS, 0)
    for name, schema in SNAPSHOTS.items():
        table = parquet.read_table(tmp_path / f"{name}.parquet")
        assert table.num_rows == 0
        assert table.schema.equals(schema)


def test_moments_become_utc_without_a_zone(tmp_path: Path) -> None:
    at = datetime(2026, 3, 1, 2, tzinfo=timezone(timedelta(hours=3)))
    row = {
        "experiment_id": "t",
        "from_at": at,
        "variation_index": 0,
        "weight": 0.5,
        "release_id": None,
    }
    write_snapshots(tmp_path, {**empty(), "weights": [row]})
    (found,) = parquet.read_table(tmp_path / "weights.parquet").to_pylist()
    assert found == {**row, "from_at": at.astimezone(UTC).replace(tzinfo=None)}


def test_a_row_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    row = {"site_id": "s", "host": "h", "is_shared": True}
    with pytest.raises(RawError, match=r"'sites': columns \['vertical'\]"):
        write_snapshots(tmp_path, {**empty(), "sites": [row]})
    with pytest.raises(RawError, match="'sites'"):
        write_snapshots(tmp_path, {**empty(), "sites": [{**row, "vertical": 7}]})


def test_the_tables_that_are_given_are_written_and_no_other(tmp_path: Path) -> None:
    assert write_snapshots(tmp_path, {"sites": []}) == {"sites": 0}
    assert [file.name for file in tmp_path.iterdir()] == ["sites.parquet"]
    with pytest.raises(RawError, match=r"\['shops'\] are not raw tables"):
        write_snapshots(tmp_path, {"shops": []})
