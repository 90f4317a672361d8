"""The warehouse file: opened for one step, closed on leaving it, errors in one line."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import duckdb
import polars as pl

from code24.errors import Code24Error

WAREHOUSE_POOL = "duckdb_writer"
"""The pool of every step that opens the warehouse or changes raw files. A second
process that opens the file while one holds it fails, even for reading."""

_LOCKED = re.compile(r"Conflicting lock is held in (?P<program>.+?) \(PID (?P<pid>\d+)")
_OTHER_VERSION = "source and target schemas on this incremental model are out of sync"
_DAMAGED = (
    "not a valid DuckDB database file",
    "Corrupt database file",
    "Could not read enough bytes from file",
    "Failed to load metadata pointer",
)


class WarehouseError(Code24Error):
    """The warehouse is locked, damaged or lacks a table."""


class Warehouse:
    """The DuckDB file of the warehouse."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._keeps = False
        self._kept: duckdb.DuckDBPyConnection | None = None

    @contextmanager
    def keeping_open(self) -> Iterator[Self]:
        """Hold the file from its first use in the block until the block's end.

        Opening it takes some 40 ms, and the last to close it writes a checkpoint; what
        opens it between, dbt too, joins who holds it, in a tenth of a millisecond.
        """
        self._keeps = True
        try:
            yield self
        finally:
            self._keeps = False
            if self._kept is not None:
                self._kept.close()
                self._kept = None

    @contextmanager
    def connect(
        self, *, read_only: bool = False
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """Hold the file for the length of the block; no other process then may.

        Raises:
            WarehouseError: another process holds it, it is damaged, or a statement
                failed; in one line.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with duckdb.connect(str(self.path), read_only=read_only) as connection:
                connection.execute("set TimeZone = 'UTC'")
                if self._keeps and self._kept is None:
                    self._kept = connection.cursor()
                yield connection
        except duckdb.Error as error:
            raise WarehouseError(one_line(self.path, str(error))) from error

    def read(self, query: str) -> pl.DataFrame:
        """Return the rows of a query.

        Raises:
            WarehouseError: as ``connect``.
        """
        with self.connect() as connection:
            return rows(connection, query)

    def replace(self, schema: str, table: str, frame: pl.DataFrame) -> None:
        """Make ``schema.table`` hold these rows, in one transaction.

        Raises:
            WarehouseError: as ``connect``.
        """
        with self.connect() as connection:
            connection.register("new_rows", frame.to_arrow())
            connection.begin()
            connection.execute(f'create schema if not exists "{schema}"')
            connection.execute(
                f'create or replace table "{schema}"."{table}" as from new_rows'
            )
            connection.commit()

    def row_counts(self) -> dict[tuple[str, str], int]:
        """Return the rows of each table, by schema and name, without reading them."""
        query = "select schema_name, table_name, estimated_size from duckdb_tables()"
        found = self.read(query)
        return {(schema, table): count for schema, table, count in found.iter_rows()}


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> pl.DataFrame:
    """Return the rows of a query on an open warehouse."""
    found = pl.from_arrow(connection.sql(query).to_arrow_table())
    if not isinstance(found, pl.DataFrame):
        raise TypeError(f"{query!r}: gave a {type(found).__name__}, not a table")
    return found


def one_line(path: Path, message: str) -> str:
    """Return DuckDB's message as one line, with the way out where there is one."""
    line = " ".join(message.split())[:500]
    locked = _LOCKED.search(message)
    if locked is not None:
        return (
            f"warehouse {path} is held by another process (PID {locked['pid']}, "
            f"{locked['program']}): close it there, or wait, and run again"
        )
    if _OTHER_VERSION in message:
        return (
            f"warehouse {path} was built by another version of its models: delete it "
            f"and run again to build it anew from the raw files ({line[:200]})"
        )
    if any(sign in message for sign in _DAMAGED):
        return (
            f"warehouse {path} is damaged: delete it and run again to build it anew "
            f"from the raw files ({line})"
        )
    return line
