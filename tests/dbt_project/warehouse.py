"""A home of its own with log, raw files and warehouse, built by the real dbt."""

import os
import warnings
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
from dbt.cli.main import dbtRunner

from code24.contracts.event import DeadLetter, LogRecord
from code24.intake import IntakeLog, encode_outcomes
from code24.settings import PROJECT_ROOT, TELEMETRY_OFF
from orchestration.defs.raw.drain import drain
from orchestration.defs.raw.schema import SNAPSHOTS
from orchestration.defs.raw.snapshots import write_snapshots

PROJECT = PROJECT_ROOT / "dbt_project"
Rows = list[tuple[Any, ...]]


class Warehouse:
    """One home; events go in through the log, dbt builds, queries come out."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.raw = home / "raw"
        self.file = home / "warehouse" / "code24.duckdb"
        self.file.parent.mkdir(parents=True)

    def snapshot(self, **tables: Sequence[dict[str, Any]]) -> None:
        """Write what dbt sees of the shared state; tables not given are empty."""
        write_snapshots(self.raw, {name: tables.get(name, []) for name in SNAPSHOTS})

    def log(self, partition: str, outcomes: Iterable[LogRecord | DeadLetter]) -> None:
        """Append to the event log what the door said, and drain it into raw."""
        with IntakeLog.open(self.home / "log", partition) as log:
            log.append(encode_outcomes(outcomes))
        drain(self.home / "log", self.raw)

    def twin(self, home: Path) -> "Warehouse":
        """Return another warehouse over the same raw files."""
        other = Warehouse(home)
        other.raw.symlink_to(self.raw, target_is_directory=True)
        return other

    def dbt(self, command: str, *arguments: str) -> None:
        """Run one dbt command, the seeds before the first; fail with what dbt says."""
        if command == "run" and not self.file.exists():
            self._invoke("seed")
        self._invoke(command, *arguments)

    def _invoke(self, command: str, *arguments: str) -> None:
        with self._environment():
            result = _runner().invoke([command, *arguments, *self._options()])
        failed = [
            f"{one.node.name}: {one.message}"
            for one in getattr(result.result, "results", ())
            if one.status in ("error", "fail")
        ]
        assert result.success, failed or result.exception

    def query(self, sql: str) -> Rows:
        """Return the rows of a query."""
        with duckdb.connect(str(self.file), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def rows(self, sql: str) -> list[dict[str, Any]]:
        """Return the rows of a query, each by column."""
        with duckdb.connect(str(self.file), read_only=True) as connection:
            found = connection.execute(sql)
            names = [column[0] for column in found.description or ()]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def differences(self, other: "Warehouse") -> dict[str, tuple[Rows, Rows]]:
        """Return by table what only this and what only the other one has."""
        with duckdb.connect(str(self.file), read_only=True) as connection:
            connection.execute(f"attach '{other.file}' as other (read_only)")
            found = {
                table: (
                    _missing(connection, table, f"other.{table}"),
                    _missing(connection, f"other.{table}", table),
                )
                for table in _tables(connection)
            }
        return {table: both for table, both in found.items() if both != ([], [])}

    def _options(self) -> list[str]:
        folder = self.home / "dbt"
        return [
            *("--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)),
            *("--target-path", str(folder), "--log-path", str(folder / "logs")),
            *("--quiet", "--no-use-colors"),
        ]

    @contextmanager
    def _environment(self) -> Iterator[None]:
        before = dict(os.environ)
        os.environ.update(TELEMETRY_OFF, CODE24_HOME=str(self.home))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # dbt's own and its parsers'
                yield
        finally:
            os.environ.clear()
            os.environ.update(before)


def _missing(connection: Any, table: str, other: str) -> Rows:
    query = f"select * from {table} except all select * from {other} limit 5"  # noqa: S608
    rows: Rows = connection.execute(query).fetchall()
    return rows


def _tables(connection: Any) -> list[str]:
    rows = connection.execute(
        "select table_schema || '.' || table_name from information_schema.tables "
        "where table_catalog = current_database() and table_schema != 'raw' order by 1"
    ).fetchall()
    return [name for (name,) in rows]


@cache
def _manifest() -> Any:
    result = dbtRunner().invoke(
        [
            *("parse", "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)),
            *("--target-path", os.environ["CODE24_HOME"] + "/dbt", "--quiet"),
            *("--log-path", os.environ["CODE24_HOME"] + "/dbt/logs"),
        ]
    )
    assert result.success, result.exception
    return result.result


def _runner() -> Any:
    """Return a dbt with the project parsed once for all tests."""
    return dbtRunner(manifest=_manifest())
