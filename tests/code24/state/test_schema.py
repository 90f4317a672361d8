"""The tables are the founding document's, and the migrations make them."""

import io
import re

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from code24.state import State, migrate
from code24.state.tables import metadata

FOUNDING = {
    "optimization_jobs": {
        "id": "TEXT",
        "site_id": "TEXT",
        "worker_type": "TEXT",
        "job_type": "TEXT",
        "status": "TEXT",
        "priority": "INTEGER",
        "scheduled_at": "DATETIME",
        "started_at": "DATETIME",
        "completed_at": "DATETIME",
        "result_data": "JSON",
        "error_message": "TEXT",
    },
    "ab_tests": {
        "id": "TEXT",
        "site_id": "TEXT",
        "test_type": "TEXT",
        "variants": "JSON",
        "traffic_split": "JSON",
        "start_date": "DATETIME",
        "end_date": "DATETIME",
        "status": "TEXT",
        "winner_variant": "TEXT",
        "confidence_level": "REAL",
        "results": "JSON",
    },
}


@pytest.mark.parametrize("table", FOUNDING)
def test_founding_columns_are_all_there_with_their_types(
    state: State, table: str
) -> None:
    columns = sa.inspect(state.engine).get_columns(table)
    found = {column["name"]: str(column["type"]) for column in columns}
    assert {name: found.get(name) for name in FOUNDING[table]} == FOUNDING[table]


def test_founding_defaults_hold(state: State) -> None:
    def default(table: str, name: str) -> object:
        columns = sa.inspect(state.engine).get_columns(table)
        return next(c["default"] for c in columns if c["name"] == name)

    assert default("ab_tests", "status") == "'draft'"
    assert default("optimization_jobs", "priority") == "'5'"


def test_migrated_schema_equals_the_metadata(state: State) -> None:
    options = {"compare_type": True, "compare_server_default": True}
    with state.read() as connection:
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []


def test_migrated_ddl_equals_the_metadata_with_checks_and_partial_indexes(
    state: State,
) -> None:
    made = sa.create_engine("sqlite://")
    metadata.create_all(made)
    with made.connect() as expected, state.read() as migrated:
        assert _ddl(migrated) == _ddl(expected)
    made.dispose()


def test_head_is_the_newest_revision() -> None:
    scripts = ScriptDirectory.from_config(migrate.config())
    assert scripts.get_current_head() == migrate.HEAD


def test_migrations_make_the_same_tables_on_postgresql() -> None:
    out = io.StringIO()
    config = migrate.config(dialect="postgresql")
    config.output_buffer = out
    command.upgrade(config, "head", sql=True)
    sql = out.getvalue()
    made = set(re.findall(r"CREATE TABLE (\w+)", sql)) - {"alembic_version"}
    assert made == set(metadata.tables)
    assert "JSONB" in sql
    assert "TIMESTAMP WITH TIME ZONE" in sql
    assert "WHERE status IN ('queued', 'running')" in sql
    for table in ("decisions", "audit_log"):
        assert f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE" in sql


def _ddl(connection: sa.Connection) -> dict[str, list[str]]:
    rows = connection.exec_driver_sql(
        "SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'index') "
        "AND sql IS NOT NULL AND name <> 'alembic_version'"
    )
    return {
        name: sorted(
            line.strip().rstrip(",") for line in sql.replace('"', "").splitlines()
        )
        for name, sql in rows
    }
