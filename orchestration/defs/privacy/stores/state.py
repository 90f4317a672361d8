"""Shared state: free text that names a visitor; of a site all but its decisions."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.engine import make_url

from code24.privacy.identity import mentions
from code24.privacy.subject import Subject
from code24.state import erasing
from orchestration.defs.privacy.sqlite import clean, opened
from orchestration.defs.privacy.store import Counts, Home, Store

ACTOR = "erase"


def find(home: Home, subject: Subject) -> Counts:
    """Count the rows that are the subject's."""
    if subject.is_site:
        return erasing.site_rows(
            home.state, subject.site_id, keep_past=subject.keeps_past
        )
    return {"rows": erasing.quoting_rows(home.state, _is_meant(subject))}


def erase(home: Home, subject: Subject) -> Counts:
    """Remove or blank them; SQLite's file is then written anew."""
    counts = _erase(home, subject)
    url = make_url(home.settings.database_url)
    if any(counts.values()) and url.get_backend_name() == "sqlite":
        with opened(Path(str(url.database))) as connection:
            clean(connection)
    return counts


def _erase(home: Home, subject: Subject) -> Counts:
    if not subject.is_site:
        return {"rows": erasing.blank_quotes(home.state, _is_meant(subject))}
    return erasing.erase_site(
        home.state,
        subject.site_id,
        keep_past=subject.keeps_past,
        actor=ACTOR,
        now=datetime.now(UTC),
    )


def _is_meant(subject: Subject) -> Callable[[str], bool]:
    return lambda text: any(map(subject.names, mentions(text)))


STORE = Store("state", 30, "rows of the shared state", find, erase)
