"""What a place that holds visitors' data must be able to do."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from code24.privacy.subject import Subject
from code24.settings import Settings
from code24.state import State

Counts = Mapping[str, int]
"""How much there is, by what it is: ``records``, ``rows``, ``files``."""


@dataclass(frozen=True, slots=True)
class Home:
    """Where the stores lie, and the open shared state."""

    settings: Settings
    state: State


@dataclass(frozen=True, slots=True)
class Store:
    """One place. Each module of ``stores`` has one as ``STORE``.

    ``erase`` may be killed anywhere and is called again: it must then finish, and
    change nothing where all is done.
    """

    name: str
    rank: int
    """The order of erasing. What tells of a visitor's further ids goes last."""
    what: str
    """In words, for the dry run."""
    find: Callable[[Home, Subject], Counts]
    """Counts what is there of the subject; changes nothing. All 0 once erased."""
    erase: Callable[[Home, Subject], Counts]
    """Removes it and says what was removed or written anew."""
    after_rebuild: bool = False
    """Whether its turn comes once the aggregates were built anew."""
