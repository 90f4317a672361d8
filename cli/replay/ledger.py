"""Which dead letters were replayed, and as which record of the log.

A letter's line is written before its record, with the offset that the record will
have. A line whose record the log does not hold is of a replay that was killed between
the two, and is taken out again when the ledger is opened.
"""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from code24.errors import Code24Error

FILE = "replayed.db"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS replayed (
    partition TEXT, letter INTEGER, record INTEGER NOT NULL,
    PRIMARY KEY (partition, letter)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS replayed_record ON replayed (record);
"""


class Place(NamedTuple):
    """Where a dead letter stands."""

    partition: str
    offset: int


class Ledger:
    """The ledger beside the dead letters; a context manager."""

    def __init__(self, dead: Path) -> None:
        """Open it, made where it is not there.

        Raises:
            Code24Error: it cannot be used.
        """
        path = dead / FILE
        dead.mkdir(parents=True, exist_ok=True)
        try:
            self._connection = sqlite3.connect(path)
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.executescript(_SCHEMA)
        except sqlite3.Error as error:
            raise Code24Error(f"{path}: cannot be used: {error}") from error

    def repair(self, log_end: int) -> None:
        """Take out the lines whose records were never written."""
        with self._connection:
            self._connection.execute(
                "DELETE FROM replayed WHERE record >= ?", (log_end,)
            )

    def note(self, places: Sequence[Place], first_record: int) -> None:
        """Note letters that are to be records from an offset on, in this order."""
        lines = [(*place, record) for record, place in enumerate(places, first_record)]
        with self._connection:
            self._connection.executemany("INSERT INTO replayed VALUES (?, ?, ?)", lines)

    def replayed(self, partition: str, log_end: int) -> set[int]:
        """Return the letters of a partition whose record the log holds."""
        query = "SELECT letter FROM replayed WHERE partition = ? AND record < ?"
        with closing(self._connection.execute(query, (partition, log_end))) as found:
            return {letter for (letter,) in found}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()
