"""The collector's live state: asked to forget units, by digest, or a whole site.

A running collector does so within seconds, another one when it starts; the request,
which holds digests alone, is gone then. Counts of a visitor among others stay for the
hour in which they count.
"""

from code24 import forgetting
from code24.privacy.subject import Subject
from orchestration.defs.privacy.store import Counts, Home, Store


def find(_home: Home, _subject: Subject) -> Counts:
    """Tell nothing: what the live state holds is the collector's alone to look at."""
    return {}


def erase(home: Home, subject: Subject) -> Counts:
    """Leave the request; nothing where no collector has ever counted."""
    live = home.settings.live
    if not live.exists():
        return {"requests": 0}
    ids = None if subject.is_site else sorted(subject.ids)
    forgetting.ask(live, subject.site_id, ids)
    return {"requests": 1}


STORE = Store("live", 45, "units and counters of the live state", find, erase)
