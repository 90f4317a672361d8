"""Dagster's history: what failed may quote a value, so such entries are removed.

Nothing that Dagster is told holds an id: counts, names of files, digests. But an error
is kept as it was raised, and may quote what could not be read.
"""

from collections.abc import Iterator
from pathlib import Path

from code24.privacy.identity import mentions
from code24.privacy.subject import Subject
from orchestration.defs.privacy.sqlite import clean, opened, rows_saying
from orchestration.defs.privacy.store import Counts, Home, Store

QUOTING = (
    "STEP_FAILURE",
    "STEP_UP_FOR_RETRY",
    "PIPELINE_FAILURE",
    "ENGINE_EVENT",
    "ASSET_CHECK_EVALUATION",
)
"""The kinds of entries that hold words from outside."""


def find(home: Home, subject: Subject) -> Counts:
    """Count the entries that quote the subject."""
    return {"entries": sum(len(rows) for _, rows in _quoting(home, subject))}


def erase(home: Home, subject: Subject) -> Counts:
    """Delete them, and write those databases anew."""
    count = 0
    for path, rows in _quoting(home, subject):
        with opened(path) as connection:
            connection.executemany(
                "delete from event_logs where id = ?", [(row,) for row in rows]
            )
            clean(connection)
        count += len(rows)
    return {"entries": count}


def _quoting(home: Home, subject: Subject) -> Iterator[tuple[Path, list[int]]]:
    if subject.is_site:
        return

    def is_meant(text: str) -> bool:
        return any(map(subject.names, mentions(text)))

    marks = ", ".join("?" * len(QUOTING))
    query = (
        "select id, event from event_logs "  # noqa: S608
        f"where dagster_event_type is null or dagster_event_type in ({marks})"
    )
    for path in sorted(home.settings.dagster_home.rglob("event_log.db")):
        with opened(path) as connection:
            rows = rows_saying(connection, query, QUOTING, is_meant)
        if rows:
            yield path, rows


STORE = Store("dagster", 10, "entries of Dagster's history that quote it", find, erase)
