"""The warehouse: staging loses the rows, what is derived is emptied, the file copied.

Everything downstream of staging is a function of it, with aggregates that count a
visitor beside rows that name one. So those tables are emptied and their watermarks
forgotten, and the next run builds them anew, exactly. DuckDB leaves deleted bytes in
its file, so the database is copied into a new one that takes its place.
"""

from pathlib import Path
from typing import NamedTuple

import duckdb

from code24.privacy.identity import is_person_field
from code24.privacy.subject import Subject
from orchestration.defs.privacy.rows import RowKey, matching
from orchestration.defs.privacy.store import Counts, Home, Store
from orchestration.defs.raw.files import sync
from orchestration.warehouse import Warehouse, WarehouseError, one_line

STAGING = "staging.stg_events"
WATERMARKS = "staging.watermarks"
_DERIVED = ("staging", "intermediate", "marts")
"""The schemas that dbt builds; of staging all but the events."""


def find(home: Home, subject: Subject) -> Counts:
    """Count the subject's events in staging, and its rows beside dbt's tables."""
    path = home.settings.warehouse
    if not path.exists():
        return {"rows": 0}
    with Warehouse(path).connect() as connection:
        rows = 0
        if has_table(connection, STAGING):
            rows = len(matching(connection, STAGING, subject))
        others = [_named(connection, table, subject) for table in _others(connection)]
        return {"rows": rows, "other_rows": sum(map(len, others))}


def erase(home: Home, subject: Subject) -> Counts:
    """Delete them, empty what is derived, and copy the database into a new file."""
    path = home.settings.warehouse
    if not path.exists():
        return {"rows": 0}
    with Warehouse(path).connect() as connection:
        rows = 0
        if has_table(connection, STAGING):
            doomed = matching(connection, STAGING, subject)
            forget_rows(connection, doomed, home.settings.raw / "events")
            rows = len(doomed)
        others = [_delete(connection, table, subject) for table in _others(connection)]
    copy_anew(path)
    return {"rows": rows, "other_rows": sum(others), "files": 1}


def forget_rows(
    connection: duckdb.DuckDBPyConnection, doomed: list[RowKey], events: Path
) -> None:
    """Delete events from staging, and have all that was made of them made anew.

    One transaction. Where another record has the id of a deleted event, it may be
    its turn now: then staging too is built anew.

    Args:
        connection: the open warehouse.
        doomed: the rows of staging that go; none changes nothing.
        events: the folder of raw events, where they are gone already.
    """
    if not doomed:
        return
    connection.execute(
        "create or replace temporary table doomed (log_partition varchar, "
        "log_offset bigint)"
    )
    connection.executemany("insert into doomed values (?, ?)", doomed)
    connection.begin()
    is_repeated = _is_repeated(connection, events)
    connection.execute(
        f"delete from {STAGING} using doomed "  # noqa: S608
        f"where {STAGING.rpartition('.')[2]}.log_partition = doomed.log_partition "
        f"and {STAGING.rpartition('.')[2]}.log_offset = doomed.log_offset"
    )
    empty_derived(connection, with_staging=is_repeated)
    connection.commit()


def empty_derived(connection: duckdb.DuckDBPyConnection, *, with_staging: bool) -> None:
    """Empty what dbt made of the events, and let it be built anew."""
    for schema, table in _tables(connection):
        name = f"{schema}.{table}"
        if name == WATERMARKS or (name == STAGING and not with_staging):
            continue
        connection.execute(f'delete from "{schema}"."{table}"')  # noqa: S608
    connection.execute(
        f"delete from {WATERMARKS}"  # noqa: S608
        + ("" if with_staging else " where model_name <> 'stg_events'")
    )


def copy_anew(path: Path) -> None:
    """Copy the database into a new file and put that in its place.

    Killed before the last step, the old file stands as it was.

    Raises:
        WarehouseError: another process holds the file, or the disk is full.
    """
    copy = path.with_name(f".{path.name}.copy")
    for left in (copy, Path(f"{copy}.wal")):
        left.unlink(missing_ok=True)
    with Warehouse(path).connect() as connection:
        connection.execute("checkpoint")
    try:
        with duckdb.connect() as connection:
            connection.execute(f"attach '{_quoted(path)}' as {path.stem} (read_only)")
            connection.execute(f"attach '{_quoted(copy)}' as anew")
            connection.execute(f"copy from database {path.stem} to anew")
            connection.execute("checkpoint anew")
    except duckdb.Error as error:
        raise WarehouseError(one_line(path, str(error))) from error
    sync(copy)
    copy.replace(path)
    Path(f"{path}.wal").unlink(missing_ok=True)
    sync(path.parent)


class _Other(NamedTuple):
    """A table that no model makes, with its columns that name persons."""

    name: str
    columns: list[str]
    has_site: bool


def _others(connection: duckdb.DuckDBPyConnection) -> list[_Other]:
    """Return the tables beside dbt's that have a site's or a person's column."""
    found = connection.execute(
        "select schema_name, table_name, list(column_name) from duckdb_columns() "
        "inner join duckdb_tables() using (schema_name, table_name, database_name) "
        "where not duckdb_tables.internal and not temporary group by all order by all"
    ).fetchall()
    others = [
        _Other(
            f'"{schema}"."{table}"',
            [column for column in columns if is_person_field(column)],
            "site_id" in columns,
        )
        for schema, table, columns in found
        if schema not in _DERIVED
    ]
    return [other for other in others if other.columns or other.has_site]


def _named(
    connection: duckdb.DuckDBPyConnection, table: _Other, subject: Subject
) -> list[str]:
    """Return the values of a person's columns, or the site, by which rows go."""
    where = f"site_id = '{subject.site_id}'" if table.has_site else "true"
    if subject.is_site:
        found = connection.execute(
            f"select site_id from {table.name} where {where}"  # noqa: S608
        )
        return [row[0] for row in found.fetchall()] if table.has_site else []
    persons: list[str] = []
    for column in table.columns:
        found = connection.execute(
            f'select cast("{column}" as varchar) from {table.name} where {where}'  # noqa: S608
        )
        persons += [one for (one,) in found.fetchall() if one and subject.names(one)]
    return persons


def _delete(
    connection: duckdb.DuckDBPyConnection, table: _Other, subject: Subject
) -> int:
    persons = _named(connection, table, subject)
    if not persons:
        return 0
    columns = ["site_id"] if subject.is_site else table.columns
    is_one = " or ".join(
        f'list_contains(?, cast("{one}" as varchar))' for one in columns
    )
    connection.execute(
        f"delete from {table.name} where {is_one}",  # noqa: S608
        [sorted(set(persons))] * len(columns),
    )
    return len(persons)


def _is_repeated(connection: duckdb.DuckDBPyConnection, events: Path) -> bool:
    """Tell whether raw still holds a record with the id of one that goes."""
    files = f"{_quoted(events)}/received_date=*/*.parquet"
    found = connection.execute(
        f"select 1 from {STAGING} as known "  # noqa: S608
        "inner join doomed using (log_partition, log_offset) "
        f"inner join read_parquet('{files}', hive_partitioning = false) as other "
        "on other.site_id = known.site_id and other.event_id = known.event_id "
        "where not exists (select 1 from doomed as gone "
        "where gone.log_partition = other.log_partition "
        "and gone.log_offset = other.log_offset) limit 1"
    )
    return found.fetchone() is not None


def _tables(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    schemas = ", ".join(f"'{schema}'" for schema in _DERIVED)
    return connection.execute(
        "select schema_name, table_name from duckdb_tables() "  # noqa: S608
        f"where schema_name in ({schemas}) and not temporary order by all"
    ).fetchall()


def has_table(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    """Tell whether the warehouse has a table, ``<schema>.<name>``."""
    schema, _, name = table.partition(".")
    found = connection.execute(
        "select 1 from duckdb_tables() where schema_name = ? and table_name = ?",
        [schema, name],
    )
    return found.fetchone() is not None


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


STORE = Store("warehouse", 70, "events of the warehouse, copied anew", find, erase)
