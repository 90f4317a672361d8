"""Reports: versions made before the erasure count the visitor; the served one stays.

They hold no ids, only sums. Once the aggregates are built anew a new version is
served, and older ones go.
"""

import shutil
from pathlib import Path

from code24.privacy.subject import Subject
from orchestration.defs.privacy.store import Counts, Home, Store


def find(home: Home, _subject: Subject) -> Counts:
    """Count the versions that are no longer served."""
    return {"old_versions": len(_old(home.settings.reports))}


def erase(home: Home, _subject: Subject) -> Counts:
    """Remove them."""
    old = _old(home.settings.reports)
    for folder in old:
        shutil.rmtree(folder)
    return {"old_versions": len(old)}


def _old(reports: Path) -> list[Path]:
    current = reports / "CURRENT"
    served = current.read_text() if current.exists() else None
    folders = (path for path in reports.glob("*") if path.is_dir())
    return [path for path in folders if path.name != served]


STORE = Store("reports", 90, "reports that count it", find, erase, after_rebuild=True)
