"""Comparing tables of ours with the answer key of the Snowplow sample, cell by cell."""

import csv
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

EXPECTED = Path(__file__).parent / "snowplow_expected"
Row = dict[str, Any]
Key = tuple[Any, ...]


class Difference(NamedTuple):
    """One cell that differs; without column, a row that only one side has."""

    table: str
    key: Key
    column: str | None
    expected: Any
    found: Any


class Column(NamedTuple):
    """How a column of the key is read, and which of ours it is."""

    expected: str
    ours: str
    read: Callable[[str], Any]


def text(value: str) -> str | None:
    return value or None


def lower(value: str) -> str | None:
    return value.lower() or None


def whole(value: str) -> int | None:
    return int(float(value)) if value else None


def moment(value: str) -> datetime | None:
    return datetime.fromisoformat(value) if value else None


def boolean(value: str) -> bool | None:
    return value.upper() == "TRUE" if value else None


def expected_rows(table: str) -> list[Row]:
    """Return the rows of one table of the answer key, all cells text."""
    path = EXPECTED / f"{table}.csv"
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def differences(
    table: str, ours: Mapping[Key, Row], key: Column, columns: Sequence[Column]
) -> list[Difference]:
    """Return every difference between a table of the key and ours."""
    expected = {(key.read(row[key.expected]),): row for row in expected_rows(table)}
    missing = [
        Difference(table, one, None, "a row", None)
        for one in expected.keys() - ours.keys()
    ]
    extra = [
        Difference(table, one, None, None, "a row")
        for one in ours.keys() - expected.keys()
    ]
    cells = [
        Difference(table, one, column.expected, wanted, ours[one][column.ours])
        for one in sorted(expected.keys() & ours.keys())
        for column in columns
        if (wanted := column.read(expected[one][column.expected]))
        != ours[one][column.ours]
    ]
    return [*missing, *extra, *cells]
