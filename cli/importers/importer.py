"""What an importer is, and what it yields."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, NamedTuple, Protocol

from code24.contracts.experiment import Experiment, PastExperiment
from code24.enrichment.suspects import NO_SUSPECTS, Suspects
from code24.errors import Code24Error
from code24.personal import Pseudonyms


class ImportFileError(Code24Error):
    """A file cannot be read as what it is said to be."""


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


class SkippedRow(NamedTuple):
    """A sound row that is nothing to us, such as a picture in an access log."""

    reason: str
    """A word or two, the same for all of a kind: rows are counted by it."""


ImportItem = Experiment | PastExperiment | EventRow | BadRow | SkippedRow


@dataclass(slots=True)
class Meter:
    """How far a reading is; what reads the file keeps it up to date."""

    done: int = 0
    total: int | None = None
    """None while it is not known."""
    unit: Literal["bytes", "rows"] = "bytes"


@dataclass(frozen=True, slots=True)
class Request:
    """What the caller says about the file."""

    site_id: str | None = None
    """The site its rows belong to, where the file does not say."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Options of the format, as ``--option name=value`` gives them."""
    host: str | None = None
    """The host of that site, where it is known."""
    keys: Path | None = None
    """The home's folder of keys; none: what is hashed is hashed with a passing one."""
    suspects: Suspects = NO_SUSPECTS
    """Which referrers only bots have."""
    meter: Meter = field(default_factory=Meter)

    def pseudonym(self, site_id: str) -> Callable[[str], str]:
        """Return what stands in for ids that the site's business gave to people.

        Raises:
            PseudonymError: the key cannot be read or made.
        """
        if self.keys is not None:
            return partial(Pseudonyms(self.keys).of, site_id)
        with TemporaryDirectory() as folder:
            return partial(Pseudonyms(Path(folder)).of, site_id)


class Importer(Protocol):
    """Reads one format; stateless, and reads a file twice in the same order."""

    name: str
    """As ``--format`` gives it."""
    about: str
    """One line: what the file is and what becomes of its rows."""
    options: Mapping[str, str]
    """Each option's name and what it means."""

    def sniff(self, path: Path) -> bool:
        """Say whether the file looks like this format; never raise."""
        ...

    def read(self, path: Path, request: Request) -> Iterator[ImportItem]:
        """Yield what the file holds: tests before their events.

        Raises:
            ImportFileError: the file as a whole cannot be read.
        """
        ...


def required_site(request: Request, path: Path) -> str:
    """Return the site of the request.

    Raises:
        ImportFileError: it names none.
    """
    if request.site_id is None:
        raise ImportFileError(
            f"{path}: whose rows are these? Add --site SITE, or a site.json beside it"
        )
    return request.site_id


def required_option(request: Request, name: str, path: Path) -> str:
    """Return the option's value.

    Raises:
        ImportFileError: it was not given.
    """
    value = request.options.get(name)
    if not value:
        raise ImportFileError(f"{path}: add --option {name}=…")
    return value


def integer_option(request: Request, name: str, default: int) -> int:
    """Return the option as a number of 0 or more.

    Raises:
        ImportFileError: it is none.
    """
    text = request.options.get(name, str(default))
    if not text.isdecimal():
        raise ImportFileError(f"--option {name}={text}: must be a number, 0 or more")
    return int(text)
