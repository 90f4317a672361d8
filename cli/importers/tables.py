"""Rows of a CSV or Parquet file with the place each came from."""

import csv
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from cli.importers import parquet
from cli.importers.importer import ImportFileError


def read(path: Path, columns: Collection[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield ``file:line`` and the row; lines of CSV from 2, of Parquet from 1.

    Raises:
        ImportFileError: the file cannot be read, or a column is missing.
    """
    if path.suffix == ".parquet":
        return _parquet_rows(path, columns)
    return _csv_rows(path, columns)


def check_text(row: Mapping[str, Any]) -> None:
    """Refuse a row whose bytes are no UTF-8.

    Raises:
        ValueError: names the columns.
    """
    broken = [
        n for n, text in row.items() if isinstance(text, str) and "\ufffd" in text
    ]
    if broken:
        raise ValueError(f"{', '.join(broken)} is not UTF-8")


def header(path: Path) -> list[str]:
    """Return the column names of a CSV file; none where it is no such file."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return next(csv.reader(file), [])
    except (OSError, UnicodeDecodeError, csv.Error):
        return []


def _parquet_rows(
    path: Path, columns: Collection[str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    frame = parquet.read(path, dict.fromkeys(columns))
    for number, row in enumerate(frame.iter_rows(named=True), start=1):
        yield f"{path.name}:{number}", row


def _csv_rows(
    path: Path, columns: Collection[str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
            reader = csv.DictReader(file, restval="")
            missing = sorted(set(columns) - set(reader.fieldnames or ()))
            if missing:
                raise ImportFileError(f"{path}: no column {', '.join(missing)}")
            for row in reader:
                yield f"{path.name}:{reader.line_num}", row
    except (OSError, csv.Error) as error:
        raise ImportFileError(f"{path}: cannot be read as CSV: {error}") from error
