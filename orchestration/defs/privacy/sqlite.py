"""Rows of SQLite files by what their text says; deleted so that the bytes are gone."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

BUSY_SECONDS = 15.0


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database whose deletions overwrite what they delete."""
    with closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as connection:
        connection.execute("pragma secure_delete = on")
        yield connection


def rows_saying(
    connection: sqlite3.Connection,
    query: str,
    values: Sequence[str],
    is_meant: Callable[[str], bool],
) -> list[int]:
    """Return the row ids of a query of row id and text whose text is meant."""
    found = connection.execute(query, values)
    return [rowid for rowid, text in found if text and is_meant(str(text))]


def clean(connection: sqlite3.Connection) -> None:
    """Write the file anew without free pages, and empty its write-ahead log."""
    connection.commit()
    connection.execute("vacuum")
    connection.execute("pragma wal_checkpoint(truncate)").fetchall()
