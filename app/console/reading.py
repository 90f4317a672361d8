"""Reads the reports: the version that ``CURRENT`` names, or the last good one."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from app.console.schema import REPORTS, Report
from code24.errors import Code24Error


class ReportError(Code24Error):
    """A version of the reports cannot be read."""


class ReportsAbsentError(ReportError):
    """No version of the reports has been published yet."""


@dataclass(frozen=True, slots=True)
class Reports:
    """One version of the reports, every frame with the columns of its schema."""

    version: str
    published_at: datetime
    problem: str | None
    """Why this is not the current version, in one sentence; none where it is."""
    sites: pl.DataFrame
    site_daily: pl.DataFrame
    goal_daily: pl.DataFrame
    channel_daily: pl.DataFrame
    bot_daily: pl.DataFrame
    web_vitals: pl.DataFrame
    tests: pl.DataFrame
    analyses: pl.DataFrame
    metrics: pl.DataFrame
    segments: pl.DataFrame
    novelty: pl.DataFrame
    decisions: pl.DataFrame
    prior: pl.DataFrame
    summary: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Pointer:
    """What ``CURRENT`` said, and when it was last written; the key of every cache."""

    folder: Path
    version: str
    written_ns: int


def pointer(folder: Path) -> Pointer:
    """Read ``CURRENT``.

    Raises:
        ReportsAbsentError: nothing has been published yet.
        ReportError: it does not hold the name of a folder.
    """
    path = folder / "CURRENT"
    try:
        version = path.read_text(encoding="utf-8").strip()
        written = path.stat().st_mtime_ns
    except FileNotFoundError as error:
        raise ReportsAbsentError(f"{path}: no reports have been published") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ReportError(f"{path}: cannot be read: {error}") from error
    return Pointer(folder, version, written)


def read(current: Pointer) -> Reports:
    """Read the version that ``current`` names, or else the newest that is whole.

    Raises:
        ReportError: no version can be read; names what is wrong with the current one.
    """
    try:
        return _read_version(current.folder, current.version, None)
    except ReportError as error:
        found = _last_good(current, str(error))
        if found is None:
            raise
        return found


def _last_good(current: Pointer, problem: str) -> Reports | None:
    for version in _versions(current.folder):
        if version == current.version:
            continue
        try:
            return _read_version(current.folder, version, problem)
        except ReportError:
            continue
    return None


def _versions(folder: Path) -> Iterator[str]:
    found = [entry for entry in os.scandir(folder) if entry.is_dir()]
    found.sort(key=lambda entry: entry.stat().st_mtime_ns, reverse=True)
    return (entry.name for entry in found if not entry.name.endswith(".tmp"))


def _read_version(folder: Path, version: str, problem: str | None) -> Reports:
    path = folder / version
    if not version or Path(version).name != version or not path.is_dir():
        raise ReportError(
            f"{folder / 'CURRENT'} names {version!r}, which is no version"
        )
    frames = {name: _read_frame(path, name, report) for name, report in REPORTS.items()}
    published = datetime.fromtimestamp(path.stat().st_mtime, tz=UTC)
    return Reports(version, published, problem, **frames)


def _read_frame(folder: Path, name: str, report: Report) -> pl.DataFrame:
    path = folder / f"{name}.parquet"
    if not report.is_needed and not path.exists():
        return pl.DataFrame(schema={**report.required, **report.optional})
    try:
        frame = pl.read_parquet(path, hive_partitioning=False)
        return _conform(frame, report)
    except FileNotFoundError as error:
        raise ReportError(f"{path}: the file is absent") from error
    except pl.exceptions.ColumnNotFoundError as error:
        raise ReportError(f"{path}: {error}") from error
    except (OSError, pl.exceptions.PolarsError) as error:
        line = str(error).splitlines()[0]
        raise ReportError(f"{path}: cannot be read: {line}") from error


def _conform(frame: pl.DataFrame, report: Report) -> pl.DataFrame:
    """Keep the columns of the schema, in its types; absent optional ones are null."""
    missing = [name for name in report.required if name not in frame.columns]
    if missing:
        raise pl.exceptions.ColumnNotFoundError(f"has no column {', '.join(missing)}")
    columns = {**report.required, **report.optional}
    if not columns.keys() & set(frame.columns):
        return pl.DataFrame(schema=columns)
    return frame.select(
        _column(frame, name, dtype).alias(name) for name, dtype in columns.items()
    )


def _column(frame: pl.DataFrame, name: str, dtype: pl.DataType) -> pl.Expr:
    if name not in frame.columns:
        return pl.lit(None, dtype=dtype)
    if isinstance(dtype, pl.List) and frame.schema[name] == pl.String:
        return pl.col(name).str.replace_all(r'[\[\]" ]', "").str.split(",")
    return pl.col(name).cast(dtype)
