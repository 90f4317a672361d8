"""Audience files: what pages may be told of persons, one file a site, ids hashed."""

from code24.audience import drop, remove, strays
from code24.audience.layout import AudienceLayout
from code24.privacy.subject import Subject
from orchestration.defs.privacy.store import Counts, Home, Store


def find(home: Home, subject: Subject) -> Counts:
    """Count the subject's rows, those of replaced files too."""
    return {"rows": strays(_layout(home, subject), _hashes(subject))}


def erase(home: Home, subject: Subject) -> Counts:
    """Replace the site's file by one without them; of a site, remove it."""
    layout = _layout(home, subject)
    if subject.is_site:
        count = strays(layout)
        drop(layout)
        return {"rows": count}
    if not layout.folder.exists():
        return {"rows": 0}
    return {"rows": remove(layout, home.settings.keys, subject.hashes)}


def _layout(home: Home, subject: Subject) -> AudienceLayout:
    return AudienceLayout(home.settings.releases, subject.site_id)


def _hashes(subject: Subject) -> frozenset[str] | None:
    return None if subject.is_site else subject.hashes


STORE = Store("audience", 65, "rows of the site's audience file", find, erase)
