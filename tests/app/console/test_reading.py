"""Reports are read whole or not at all, and the last good version stays readable."""

import os
import shutil
from pathlib import Path

import polars as pl
import pytest

from app.console import reading
from app.console.reading import ReportError, Reports, ReportsAbsentError
from tests.app.console import sample


def read(folder: Path) -> Reports:
    return reading.read(reading.pointer(folder))


def test_nothing_published_is_not_an_error_of_the_reports(tmp_path: Path) -> None:
    with pytest.raises(ReportsAbsentError, match="no reports have been published"):
        reading.pointer(tmp_path)


def test_the_version_named_by_current_is_read(tmp_path: Path) -> None:
    sample.write(tmp_path, "v-a1")
    sample.write(tmp_path, "v-b2")
    found = read(tmp_path)
    assert (found.version, found.problem) == ("v-b2", None)
    assert found.tests["experiment_id"].n_unique() == len(sample.PARTS)
    assert found.site_daily.schema["conversion_value_cents"] == pl.Float64


@pytest.mark.parametrize("name", ["tests", "summary", "site_daily"])
def test_a_corrupt_file_shows_the_last_good_version(tmp_path: Path, name: str) -> None:
    sample.write(tmp_path, "v-a1")
    broken = sample.write(tmp_path, "v-b2") / f"{name}.parquet"
    broken.write_bytes(broken.read_bytes()[:100])
    found = read(tmp_path)
    assert found.version == "v-a1"
    assert found.problem is not None
    assert str(broken) in found.problem


def test_of_several_good_versions_the_newest_is_shown(tmp_path: Path) -> None:
    for age, version in ((300, "v-old"), (200, "v-newer")):
        folder = sample.write(tmp_path, version)
        os.utime(folder, (folder.stat().st_mtime - age,) * 2)
    (tmp_path / "CURRENT").write_text("v-gone")
    assert read(tmp_path).version == "v-newer"


def test_without_any_good_version_the_error_names_the_file(tmp_path: Path) -> None:
    (sample.write(tmp_path) / "tests.parquet").unlink()
    with pytest.raises(ReportError, match=r"tests\.parquet: the file is absent"):
        read(tmp_path)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    path = sample.write(tmp_path) / "analyses.parquet"
    pl.read_parquet(path).drop("lift_low", "units").write_parquet(path)
    with pytest.raises(ReportError, match="has no column units, lift_low"):
        read(tmp_path)


def test_a_wrong_type_is_refused(tmp_path: Path) -> None:
    path = sample.write(tmp_path) / "analyses.parquet"
    frame = pl.read_parquet(path).with_columns(pl.lit("many").alias("units"))
    frame.write_parquet(path)
    with pytest.raises(ReportError, match=r"analyses\.parquet: cannot be read"):
        read(tmp_path)


def test_an_absent_optional_column_is_null(tmp_path: Path) -> None:
    path = sample.write(tmp_path) / "decisions.parquet"
    pl.read_parquet(path).drop("evidence").write_parquet(path)
    assert read(tmp_path).decisions["evidence"].null_count() == 5


@pytest.mark.parametrize("name", ["../elsewhere", "", "/etc", "v-gone"])
def test_current_may_only_name_a_version(tmp_path: Path, name: str) -> None:
    sample.write(tmp_path / "elsewhere", "v-a1")
    reports = tmp_path / "reports"
    reports.mkdir()
    (reports / "CURRENT").write_text(name)
    with pytest.raises(ReportError, match="which is no version"):
        read(reports)


def test_a_half_written_version_is_never_shown(tmp_path: Path) -> None:
    sample.write(tmp_path, "v-b2.tmp", is_current=False)
    shutil.rmtree(sample.write(tmp_path, "v-a1"))
    with pytest.raises(ReportError, match="'v-a1'"):
        read(tmp_path)


def test_goals_written_as_text_are_read_as_a_list(tmp_path: Path) -> None:
    path = sample.write(tmp_path) / "sites.parquet"
    text = pl.Series("goals", ["sales", '["traffic", "signups"]', "leads"])
    pl.read_parquet(path).with_columns(text).write_parquet(path)
    assert read(tmp_path).sites["goals"].to_list()[1] == ["traffic", "signups"]
