"""Audience files: scores of persons, one replaceable file a site, ids hashed."""

from pathlib import Path

import polars as pl

from code24.privacy.subject import Subject
from orchestration.defs.privacy.store import Counts, Home, Store
from orchestration.defs.raw.files import write_whole

FOLDER = "audience"
HASHED = "id_hash"
"""The column with ``code24.privacy.subject.id_hash`` of the person's id."""


def audience_file(releases: Path, site_id: str) -> Path:
    """Return where a site's audience lies; it need not be there."""
    return releases / FOLDER / f"{site_id}.parquet"


def find(home: Home, subject: Subject) -> Counts:
    """Count the subject's rows."""
    path = audience_file(home.settings.releases, subject.site_id)
    return {"rows": _theirs(path, subject).height if path.exists() else 0}


def erase(home: Home, subject: Subject) -> Counts:
    """Replace the site's file by one without them; of a site, remove it."""
    path = audience_file(home.settings.releases, subject.site_id)
    if not path.exists():
        return {"rows": 0}
    theirs = _theirs(path, subject)
    if subject.is_site:
        path.unlink()
    elif theirs.height:
        kept = pl.read_parquet(path).filter(~pl.col(HASHED).is_in(theirs[HASHED]))
        write_whole(path, kept.write_parquet)
    return {"rows": theirs.height}


def _theirs(path: Path, subject: Subject) -> pl.DataFrame:
    frame = pl.read_parquet(path)
    if subject.is_site:
        return frame
    return frame.filter(pl.col(HASHED).is_in(sorted(subject.hashes)))


STORE = Store("audience", 65, "rows of the site's audience file", find, erase)
