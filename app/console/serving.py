"""What is served: the release, its predecessors and the kill switches."""

from dataclasses import dataclass
from datetime import datetime

from code24.contracts.release import Manifest, Switches
from code24.errors import Code24Error
from code24.releases import NoReleaseError, Reader
from code24.settings import Settings


@dataclass(frozen=True, slots=True)
class Served:
    """What the release folder holds, or why it cannot be read."""

    current: Manifest | None
    switches: Switches
    releases: tuple[Manifest, ...]
    """The releases kept that can be trusted, the newest first."""
    problem: str | None
    """What is wrong, in one sentence, with the way out; none where nothing is."""
    is_empty: bool = False
    """Whether nothing has been published yet, which is no fault."""


def served(settings: Settings) -> Served:
    """Read the current release, its switches and its predecessors."""
    reader = _reader(settings)
    nothing = Switches(sequence=0)
    try:
        current, switches = reader.current(), reader.switches()
    except NoReleaseError as error:
        return Served(None, nothing, (), str(error), is_empty=True)
    except Code24Error as error:
        return Served(None, nothing, tuple(reader.releases()), str(error))
    return Served(current, switches, tuple(reader.releases()), None)


def verified(settings: Settings, release_id: str) -> list[str]:
    """Return what is wrong with a release: signature, checksums; nothing if whole."""
    return _reader(settings).verify(release_id)


def _reader(settings: Settings) -> Reader:
    return Reader(settings.releases, settings.keys / "verify.pub")


def newer_release(served_now: Served, report_release: str | None) -> datetime | None:
    """Return when the served release was made, if it is not the reports' release."""
    current = served_now.current
    if current is None or report_release in {None, current.release_id}:
        return None
    return current.created_at
