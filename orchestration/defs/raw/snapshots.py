"""Shared state as raw Parquet: the only view of it that dbt has."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from orchestration.defs.raw.drain import write_table
from orchestration.defs.raw.files import RawError
from orchestration.defs.raw.schema import SNAPSHOTS

Rows = Sequence[Mapping[str, Any]]


def write_snapshots(raw: Path, tables: Mapping[str, Rows]) -> dict[str, int]:
    """Replace ``raw/<table>.parquet`` for each of these tables, each whole.

    Args:
        raw: the folder of the raw files.
        tables: rows by table, as ``code24.state.snapshot.tables`` gives them.

    Returns:
        rows by table.

    Raises:
        RawError: a table is not one of raw's, or a row does not fit its columns.
    """
    unknown = sorted(tables.keys() - SNAPSHOTS.keys())
    if unknown:
        raise RawError(f"snapshot of shared state: {unknown} are not raw tables")
    for name, rows in tables.items():
        write_table(
            raw / f"{name}.parquet", snapshot_table(name, rows, SNAPSHOTS[name])
        )
    return {name: len(rows) for name, rows in tables.items()}


def snapshot_table(name: str, rows: Rows, schema: pa.Schema) -> pa.Table:
    """Return the rows with the table's columns and types, even when there are none.

    Raises:
        RawError: a row has other columns, or a value of another type.
    """
    for row in rows:
        if row.keys() != set(schema.names):
            differing = sorted(row.keys() ^ set(schema.names))
            raise RawError(f"snapshot {name!r}: columns {differing} are not as agreed")
    plain = [{key: _plain(value) for key, value in row.items()} for row in rows]
    try:
        return pa.Table.from_pylist(plain, schema=schema)
    except pa.ArrowException as error:
        raise RawError(f"snapshot {name!r}: {error}") from error


def _plain(value: Any) -> Any:
    """Drop the zone of a moment, after taking it to UTC."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).replace(tzinfo=None)
    return value
