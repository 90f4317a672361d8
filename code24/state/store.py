"""The database of the shared state: opened, read and written in one way."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
import sqlalchemy as sa
from sqlalchemy import event, exc
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection

from code24.contracts.wire import encode
from code24.state.errors import StateError, UnavailableError
from code24.state.migrate import migrate

BUSY_MS = 15_000
"""How long a write waits for another process's; such writes take milliseconds."""
WRITE_LOCK = 2_424_001
"""PostgreSQL's advisory lock of a write; any number that nobody else uses."""
_READ: dict[str, dict[str, Any]] = {
    "sqlite": {},
    "postgresql": {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
}


class State:
    """An open shared state; transactions are short, reads see one moment."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction whose statements all see the same moment.

        Raises:
            UnavailableError: the database cannot be read.
        """
        with _explained(self.engine.url), self.engine.connect() as connection:
            connection.execution_options(**_READ[self.engine.dialect.name])
            with connection.begin():
                yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction that holds the write lock from its start.

        Raises:
            UnavailableError: the database cannot be written, or stayed locked.
        """
        with _explained(self.engine.url), self.engine.connect() as connection:
            connection.execution_options(is_write=True)
            with connection.begin():
                yield connection

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def open_state(url: str) -> State:
    """Open the shared state at ``url``, made or migrated to the newest revision.

    Several processes may open it at once; one of them migrates, the others wait.

    Raises:
        StateError: the address is wrong, or what lies there is not a state of ours.
    """
    engine = _engine(_parsed(url))
    try:
        with _explained(engine.url):
            migrate(engine)
    except BaseException:
        engine.dispose()
        raise
    return State(engine)


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except exc.ArgumentError as error:
        raise StateError(f"CODE24_STATE_URL={url!r}: is no database URL") from error
    backend = parsed.get_backend_name()
    if backend not in _READ:
        raise StateError(f"CODE24_STATE_URL={url!r}: must be sqlite or postgresql")
    if backend == "sqlite" and parsed.database in {None, "", ":memory:"}:
        raise StateError(f"CODE24_STATE_URL={url!r}: must name a file")
    return parsed


def _engine(url: URL) -> Engine:
    is_file = url.get_backend_name() == "sqlite"
    if is_file:
        _make_folder(Path(str(url.database)).parent)
    try:
        engine = sa.create_engine(
            url, json_serializer=_to_json, json_deserializer=msgspec.json.decode
        )
    except ModuleNotFoundError as error:
        raise StateError(
            f"CODE24_STATE_URL={url.render_as_string()!r}: its driver "
            f"{error.name!r} is not installed: pip install it beside Code24"
        ) from error
    if is_file:
        event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite if is_file else _begin_postgresql)
    return engine


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StateError(f"{folder}: cannot be made: {error.strerror}") from error


def _to_json(value: Any) -> str:
    return encode(value).decode()


def _prepare_sqlite(connection: DBAPIConnection, _record: object) -> None:
    """Leave transactions to us, and let no commit be lost with the power."""
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if _is_write(connection) else "BEGIN")


def _begin_postgresql(connection: Connection) -> None:
    """Let writes wait for one another, as SQLite's do, so that checks hold."""
    if _is_write(connection):
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {BUSY_MS}")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITE_LOCK})")


def _is_write(connection: Connection) -> bool:
    return bool(connection.get_execution_options().get("is_write", False))


@contextmanager
def _explained(url: URL) -> Iterator[None]:
    """Turn the driver's errors into one line; broken rules keep their own type."""
    try:
        yield
    except exc.IntegrityError:
        raise
    except (exc.DatabaseError, sqlite3.DatabaseError) as error:
        cause = getattr(error, "orig", error)
        raise UnavailableError(
            f"shared state {url.database}: {cause}; if it is locked, end the "
            "process that holds it; if it is damaged, restore a copy"
        ) from error
