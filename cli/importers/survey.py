"""A dry run: what an import would take in, with nothing written."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from cli.importers import registry
from cli.importers.importer import (
    BadRow,
    EventRow,
    ImportItem,
    Meter,
    Request,
    SkippedRow,
)
from cli.importers.transfer import (
    Progress,
    Step,
    asked,
    described_site,
    outcome,
    require_site,
)
from code24.contracts.event import DeadLetter, Event
from code24.contracts.wire import Contract
from code24.enrichment.suspects import read_suspects
from code24.settings import Settings
from code24.state import open_state, sites

FIRST = 10
"""Dead letters that a dry run shows."""
EVERY = 5_000


class ShownLetter(Contract, frozen=True, kw_only=True):
    """A row that would be refused."""

    source: str
    reason: str


class Survey(Contract, frozen=True, kw_only=True):
    """What an import of the files would come to."""

    source: str
    formats: tuple[str, ...]
    rows: int
    kinds: dict[str, int]
    """Events by type and name; tests and past experiments."""
    skipped: dict[str, int]
    """Sound rows that are nothing to us, by why."""
    refused: dict[str, int]
    """Dead letters by their reason's code."""
    first_refused: tuple[ShownLetter, ...]
    bots: int
    first_at: datetime | None
    last_at: datetime | None


@dataclass(slots=True)
class _Tally:
    rows: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    first: list[ShownLetter] = field(default_factory=list)
    bots: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None


def survey(
    settings: Settings,
    path: Path,
    *,
    format_name: str | None = None,
    site: str | None = None,
    options: Mapping[str, str] | None = None,
    limit: int | None = None,
    progress: Progress | None = None,
) -> Survey:
    """Read the files as ``run_import`` would, from their start, and write nothing.

    Raises:
        ImportFileError: a file cannot be read, or its site is not known.
    """
    files = registry.matched(path, format_name)
    request, known = _asked(settings, path, site, options or {})
    tally = _Tally()
    for importer, file in files:
        asked_of = replace(request, keys=None, meter=Meter())
        items = islice(importer.read(file, asked_of), limit)
        for number, item in enumerate(items, start=1):
            _count(tally, item, asked_of, known)
            if progress is not None and number % EVERY == 0:
                progress(Step(file.name, number, asked_of.meter))
    return Survey(
        source=path.name,
        formats=tuple(sorted({importer.name for importer, _ in files})),
        rows=tally.rows,
        kinds=dict(tally.kinds.most_common()),
        skipped=dict(tally.skipped.most_common()),
        refused=dict(tally.refused.most_common()),
        first_refused=tuple(tally.first),
        bots=tally.bots,
        first_at=tally.first_at,
        last_at=tally.last_at,
    )


def _asked(
    settings: Settings, path: Path, site: str | None, options: Mapping[str, str]
) -> tuple[Request, frozenset[str]]:
    """Return the request and the sites that would be known; makes no state."""
    described = described_site(path) if site is None else None
    site_id = described.site_id if described else site
    own = {site_id} if site_id else set()
    if not settings.state_url and not (settings.home / "state").exists():
        host = described.host if described else None
        suspects = read_suspects(settings.lists)
        asked_of = Request(site_id, options, host, suspects=suspects)
        return asked_of, frozenset(own)
    with open_state(settings.database_url) as state:
        if described is None:
            require_site(state, site)
        known = {one.site_id for one in sites.list_sites(state)}
        return asked(settings, state, site_id, options), frozenset(known | own)


def _count(
    tally: _Tally, item: ImportItem, request: Request, known: frozenset[str]
) -> None:
    tally.rows += 1
    if isinstance(item, SkippedRow):
        tally.skipped[item.reason] += 1
    elif isinstance(item, EventRow | BadRow):
        at, suspects = datetime.now(UTC), request.suspects
        found = outcome(item, request.site_id, known, at, suspects=suspects)
        if isinstance(found, DeadLetter):
            _count_refused(tally, found)
        else:
            _count_event(tally, found.event, is_bot=found.bot_reason is not None)
    else:
        tally.kinds[type(item).__name__] += 1


def _count_refused(tally: _Tally, letter: DeadLetter) -> None:
    tally.refused[letter.reason.partition(":")[0]] += 1
    if len(tally.first) < FIRST:
        tally.first.append(ShownLetter(source=letter.source, reason=letter.reason))


def _count_event(tally: _Tally, event: Event, *, is_bot: bool) -> None:
    name = event.goal_type or event.metadata.get("name")
    own = f"{event.event_type} {name}" if name else event.event_type
    tally.kinds[own] += 1
    tally.bots += is_bot
    at = event.timestamp
    tally.first_at = min(tally.first_at or at, at)
    tally.last_at = max(tally.last_at or at, at)
