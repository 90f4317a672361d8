"""Bringing the database to the newest revision, one process at a time."""

import fcntl
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from code24.state.errors import StateError

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0017"
"""The newest revision; a database that is there is opened without Alembic."""
SCRIPTS = Path(__file__).parent / "migrations"


def migrate(engine: Engine) -> None:
    """Make the tables, or change them to the newest revision; again, do nothing.

    Raises:
        StateError: the database is of a newer Code24, or holds tables not ours.
    """
    with _alone(engine):
        _use_write_ahead_log(engine)
        with engine.connect() as connection:
            if _revision(connection) == HEAD:
                return
        with engine.connect() as connection:
            writing = connection.execution_options(is_write=True)
            with writing.begin():
                _upgrade(writing)


def config(**attributes: object) -> "Config":
    """Return Alembic's settings; it has no file of its own."""
    from alembic.config import Config  # noqa: PLC0415 - every command would load it

    made = Config()
    made.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    made.attributes.update(attributes)
    return made


def _upgrade(connection: Connection) -> None:
    found = _revision(connection)
    if found is not None and found not in _revisions():
        raise StateError(
            f"shared state {connection.engine.url.database}: revision {found!r} is "
            "not known here; it was made by a newer Code24: update this one"
        )
    from alembic import command  # noqa: PLC0415 - every command would load it

    logging.getLogger("alembic").setLevel(logging.WARNING)
    command.upgrade(config(connection=connection), HEAD)


def _revisions() -> set[str]:
    return {path.name.partition("_")[0] for path in SCRIPTS.glob("versions/[0-9]*.py")}


def _revision(connection: Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    query = sa.text("SELECT version_num FROM alembic_version")
    found: str | None = connection.execute(query).scalar()
    return found


def _use_write_ahead_log(engine: Engine) -> None:
    """Let readers go on while one writes; SQLite remembers this in the file."""
    if engine.dialect.name != "sqlite":
        return
    connection = engine.raw_connection()
    try:
        connection.cursor().execute("PRAGMA journal_mode = WAL").close()
    finally:
        connection.close()


@contextmanager
def _alone(engine: Engine) -> Iterator[None]:
    """Hold the file lock beside a SQLite database; PostgreSQL needs no file."""
    if engine.dialect.name != "sqlite":
        yield
        return
    with Path(f"{engine.url.database}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
