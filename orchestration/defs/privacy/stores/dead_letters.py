"""Dead letters: those whose text names the subject become tombstones."""

from code24 import event_log
from code24.contracts.event import DeadLetter
from code24.intake import dead_folder
from code24.privacy.records import removing_letters
from code24.privacy.subject import Subject
from orchestration.defs.privacy.counting import counting
from orchestration.defs.privacy.store import Counts, Home, Store


def find(home: Home, subject: Subject) -> Counts:
    """Count the dead letters that name the subject."""
    return {"letters": _redact(home, subject, is_dry=True)}


def erase(home: Home, subject: Subject) -> Counts:
    """Put tombstones in their place."""
    return {"letters": _redact(home, subject, is_dry=False)}


def _redact(home: Home, subject: Subject, *, is_dry: bool) -> int:
    def is_theirs(letter: DeadLetter) -> bool:
        return subject.owns_letter(letter)

    dead = dead_folder(home.settings.log)
    counted = counting(removing_letters(is_theirs), is_dry=is_dry)
    for name in event_log.partitions(dead):
        event_log.redact(dead, name, counted.decide)
    return counted.count


STORE = Store("dead_letters", 40, "refused events that name it", find, erase)
