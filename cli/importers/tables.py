"""Rows of a CSV or Parquet file with the place each came from, as a stream."""

import csv
import io
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from cli.importers import lines, parquet
from cli.importers.importer import BadRow, ImportFileError, Meter
from cli.importers.private import shown

MORE = "\x00more"
"""The key of a row's fields beyond the header's; no header can have it."""


class Row(NamedTuple):
    """One row, or why there is none."""

    source: str
    """``file:line``; lines of CSV count from 2, of Parquet from 1."""
    fields: dict[str, Any]
    problem: str | None = None

    def bad(self, reason: str) -> BadRow:
        """Return the row as a dead letter."""
        return BadRow(reason, self.source, shown(self.fields))


def read(
    path: Path, columns: Collection[str], meter: Meter, delimiter: str = ","
) -> Iterator[Row]:
    """Yield the rows; one that is not as the header says has a problem instead.

    Raises:
        ImportFileError: the file cannot be read, or a column is missing.
    """
    if path.suffix == ".parquet":
        return _parquet_rows(path, columns, meter)
    return _csv_rows(path, columns, meter, delimiter)


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


def check_row(row: Row) -> None:
    """Refuse a row that has a problem, or whose bytes are no UTF-8.

    Raises:
        ValueError: says which.
    """
    if row.problem is not None:
        raise ValueError(row.problem.removeprefix("invalid: "))
    check_text(row.fields)


def header(path: Path, delimiter: str = ",") -> list[str]:
    """Return the column names of a CSV file; none where it is no such file."""
    first = lines.head(path, lines=1)
    try:
        return next(csv.reader([first[0].decode()], delimiter=delimiter), [])
    except (IndexError, UnicodeDecodeError, csv.Error):
        return []


def _parquet_rows(path: Path, columns: Collection[str], meter: Meter) -> Iterator[Row]:
    for number, fields in enumerate(parquet.rows(path, columns, meter), start=1):
        yield Row(f"{path.name}:{number}", fields)


def _csv_rows(
    path: Path, columns: Collection[str], meter: Meter, delimiter: str
) -> Iterator[Row]:
    meter.total, meter.unit = path.stat().st_size if path.exists() else None, "bytes"
    with lines.opened(path) as content:
        text = io.TextIOWrapper(
            content.file, encoding="utf-8-sig", errors="replace", newline=""
        )
        reader = csv.DictReader(text, restkey=MORE, delimiter=delimiter)
        _check_columns(path, reader, columns)
        while (row := _next_row(path, reader)) is not None:
            yield row
            if reader.line_num % lines.EVERY < 2:
                meter.done = content.raw.tell()
            if row.problem is not None and row.problem.startswith("truncated"):
                break
        meter.done = meter.total or 0
        text.detach()


def _check_columns(
    path: Path, reader: "csv.DictReader[str]", columns: Collection[str]
) -> None:
    try:
        names = reader.fieldnames or ()
    except (*lines.BROKEN, csv.Error) as error:
        raise ImportFileError(f"{path}: cannot be read as CSV: {error}") from error
    missing = sorted(set(columns) - set(names))
    if missing:
        raise ImportFileError(f"{path}: no column {', '.join(missing)}")
    twice = sorted({name for name in names if list(names).count(name) > 1})
    if twice:
        raise ImportFileError(f"{path}: column {', '.join(twice)} stands twice")


def _next_row(path: Path, reader: "csv.DictReader[str]") -> Row | None:
    """Return the next row, or a problem; after one the reader goes on with a line."""
    try:
        fields = next(reader, None)
    except csv.Error as error:
        return Row(f"{path.name}:{reader.line_num + 1}", {}, f"invalid: {error}")
    except lines.BROKEN as error:
        return Row(f"{path.name}:{reader.line_num + 1}", {}, f"truncated: {error}")
    return None if fields is None else _row(path, reader, fields)


def _row(path: Path, reader: "csv.DictReader[str]", fields: dict[str, Any]) -> Row:
    source = f"{path.name}:{reader.line_num}"
    width = len(reader.fieldnames or ())
    there = sum(value is not None for value in fields.values())
    if MORE in fields:
        there = width + len(fields.pop(MORE))
    if there == width:
        return Row(source, fields)
    given = {name: value for name, value in fields.items() if value is not None}
    return Row(source, given, f"invalid: {there} columns, the header has {width}")
