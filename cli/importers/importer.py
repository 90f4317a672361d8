"""What an importer is, and what it yields."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import msgspec

from code24.contracts.experiment import Experiment, PastExperiment
from code24.contracts.wire import GoalType
from code24.errors import Code24Error


class ImportFileError(Code24Error):
    """A file cannot be read as what it is said to be."""


class SiteDefinition(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A site that a file brings along; its keys are made on arrival."""

    site_id: str
    host: str
    vertical: str
    goals: tuple[GoalType, ...]


class EventRow(NamedTuple):
    """One event as the intake takes it."""

    body: dict[str, Any] | bytes
    """A native event: its fields camelCase, or the JSON text of them."""
    source: str
    """``file:line``, for the dead letter if it is refused."""


class BadRow(NamedTuple):
    """A row that is no event at all; it becomes a dead letter, the rest goes on."""

    reason: str
    source: str
    body: str


ImportItem = SiteDefinition | Experiment | PastExperiment | EventRow | BadRow


class Request(NamedTuple):
    """What the caller says about the file."""

    site_id: str | None = None
    """The site its rows belong to, where the file does not say."""
    options: Mapping[str, str] = {}
    """Options of the format, as ``--option name=value`` gives them."""


class Importer(Protocol):
    """Reads one format; stateless, and reads a file twice in the same order."""

    name: str
    """As ``--format`` gives it."""
    about: str
    """One line: what the file is and what becomes of its rows."""
    options: Mapping[str, str]
    """Each option's name and what it means."""

    def sniff(self, path: Path) -> bool:
        """Say whether the path looks like this format; never raise."""
        ...

    def read(self, path: Path, request: Request) -> Iterator[ImportItem]:
        """Yield what the path holds: sites and tests before their events.

        Raises:
            ImportFileError: the path as a whole cannot be read.
        """
        ...
