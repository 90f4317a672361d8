"""dbt's artefacts: what it ran and what came of it can be made again at any time.

dbt notes the command line of its process in ``run_results.json``: that of the erasure
itself, with the id. So this comes after the models were built anew.
"""

import shutil
from pathlib import Path

from code24.privacy.identity import mentions
from code24.privacy.subject import Subject
from orchestration.defs.privacy.store import Counts, Home, Store

_MADE = ("run", "compiled", "run_results.json", "dbt.log", "logs")
"""Below dbt's target; the manifest is made of the project alone."""


def find(home: Home, subject: Subject) -> Counts:
    """Count the files that name a visitor; a site's name is a word as others are."""
    return {"files": len(_files(home.settings.dbt_target, subject))}


def erase(home: Home, subject: Subject) -> Counts:
    """Remove all that dbt has run, if one file of it names the subject."""
    target = home.settings.dbt_target
    files = _files(target, subject)
    if files:
        for name in _MADE:
            _remove(target / name)
    return {"files": len(files)}


def _files(target: Path, subject: Subject) -> list[Path]:
    if subject.is_site:
        return []
    places = [target / name for name in _MADE]
    files = [place for place in places if place.is_file()]
    for place in places:
        files += [path for path in place.rglob("*") if path.is_file()]
    return [path for path in files if _names(path, subject)]


def _names(path: Path, subject: Subject) -> bool:
    found = mentions(path.read_text(encoding="utf-8", errors="replace"))
    return any(map(subject.names, found))


def _remove(place: Path) -> None:
    if place.is_dir():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)


STORE = Store(
    "dbt", 80, "artefacts of dbt that name it", find, erase, after_rebuild=True
)
