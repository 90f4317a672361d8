"""The event log: records become tombstones, in place, whoever writes meanwhile."""

from code24 import event_log
from code24.privacy.records import LoggedEvent, removing_events
from code24.privacy.subject import Subject
from orchestration.defs.privacy.counting import counting
from orchestration.defs.privacy.store import Counts, Home, Store


def find(home: Home, subject: Subject) -> Counts:
    """Count the subject's records in every partition."""
    return {"records": _redact(home, subject, is_dry=True)}


def erase(home: Home, subject: Subject) -> Counts:
    """Put tombstones in their place."""
    return {"records": _redact(home, subject, is_dry=False)}


def _redact(home: Home, subject: Subject, *, is_dry: bool) -> int:
    def is_theirs(event: LoggedEvent) -> bool:
        return subject.owns(event.site_id, event.persons())

    log, decide = home.settings.log, removing_events(is_theirs)
    counted = counting(decide, is_dry=is_dry)
    for name in event_log.partitions(log):
        event_log.redact(log, name, counted.decide, needles=subject.needles())
    return counted.count


STORE = Store("log", 50, "records of the event log", find, erase)
