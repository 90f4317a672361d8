"""Dagster's event log in one SQLite file, its statements compiled once a process.

Dagster's own class makes an engine, and so compiles each statement anew, for every
event: a third of the processor time of recording a short run.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property

from dagster._core.storage.event_log import ConsolidatedSqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.pool import NullPool


class ResidentEventLogStorage(ConsolidatedSqliteEventLogStorage):
    """The same tables in the same file; only the engine is kept.

    Connections are not: each is opened for its transaction, as threads and processes
    share the file.
    """

    @cached_property
    def _engine(self) -> Engine:
        return create_engine(
            self._conn_string,
            poolclass=NullPool,
            connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS},
        )

    @contextmanager
    def _connect(self) -> Iterator[Connection]:
        with self._engine.connect() as connection, connection.begin():
            yield connection
