"""Taking a file in: tests to the shared state, events through the door to the log."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import file_digest
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import msgspec

from cli.importers import registry
from cli.importers.importer import (
    BadRow,
    EventRow,
    Importer,
    ImportFileError,
    ImportItem,
    Meter,
    Request,
    SkippedRow,
)
from cli.importers.private import without_addresses
from code24.contracts.event import DeadLetter, LogRecord
from code24.contracts.experiment import Experiment, PastExperiment
from code24.contracts.wire import GoalType, digest
from code24.enrichment.suspects import NO_SUSPECTS, Suspects, read_suspects
from code24.intake import IntakeLog, admit, dead_letter, encode_outcomes
from code24.privacy.erased import NOBODY, Erased
from code24.settings import Settings
from code24.state import State, erasures, experiments, imports, open_state, past, sites

ACTOR = "import"
PARTITION = "import"
BATCH = 5_000
"""Rows a sync of the disk and a line of the ledger; what a crash repeats at most."""
SITE_FILE = "site.json"


class SiteDefinition(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    rename="camel",
    forbid_unknown_fields=True,
):
    """The site that a folder's files belong to (``site.json``)."""

    site_id: str
    host: str
    vertical: str
    goals: tuple[GoalType, ...]


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """What one call took in."""

    source: str
    format_name: str
    site_id: str | None
    events: int = 0
    dead_letters: int = 0
    tests: int = 0
    past_experiments: int = 0
    skipped: int = 0
    """Sound rows that are nothing to us."""
    is_repeated: bool = False
    """Whether every file had been taken in before, so that nothing was added."""

    def __str__(self) -> str:
        """Return the line for the operator."""
        if self.is_repeated:
            return f"{self.source}: was imported before; nothing added."
        counts = {
            "events": self.events,
            "tests": self.tests,
            "past experiments": self.past_experiments,
            "skipped": self.skipped,
            "dead letters": self.dead_letters,
        }
        parts = [f"{number:,} {name}" for name, number in counts.items() if number]
        return f"{self.source} ({self.format_name}): {', '.join(parts) or 'no rows'}."


class Step(NamedTuple):
    """How far a file is."""

    file: str
    rows: int
    meter: Meter


Progress = Callable[[Step], None]
"""Called after each batch."""


def run_import(
    settings: Settings,
    path: Path,
    *,
    format_name: str | None = None,
    site: str | None = None,
    options: Mapping[str, str] | None = None,
    limit: int | None = None,
    progress: Progress | None = None,
) -> ImportSummary:
    """Take in a file, or those of a folder's files whose format is known.

    The same content again adds nothing. After an interruption it goes on from the
    last batch; what that batch had written already has the same event ids, and the
    warehouse keeps the first of each.

    Args:
        settings: Where the log and the shared state are.
        path: The file or folder; a ``site.json`` beside the files names their site.
        format_name: One of ``formats()``; found out where absent.
        site: The site the rows belong to, where neither they nor ``site.json`` say.
        options: The format's own options.
        limit: The rows of each file to take in at most; the rest can follow later.
        progress: Told how far each file is.

    Raises:
        ImportFileError: a file cannot be read, or its site is not known.
        EventLogError: another process imports now, or the log is damaged.
        StateError: a site or test is there already and differs.
    """
    files = registry.matched(path, format_name)
    with open_state(settings.database_url) as state:
        site_id = _site(state, path, site)
        request = asked(settings, state, site_id, options or {})
        with IntakeLog.open(settings.log, PARTITION) as log:
            parts = [
                _Transfer(state, log, importer, file, request).run(limit, progress)
                for importer, file in files
            ]
    return _summed(path, parts)


def _summed(path: Path, parts: list[ImportSummary]) -> ImportSummary:
    formats = sorted({part.format_name for part in parts})
    return ImportSummary(
        source=path.name,
        format_name=", ".join(formats),
        site_id=parts[0].site_id,
        events=sum(part.events for part in parts),
        dead_letters=sum(part.dead_letters for part in parts),
        tests=sum(part.tests for part in parts),
        past_experiments=sum(part.past_experiments for part in parts),
        skipped=sum(part.skipped for part in parts),
        is_repeated=all(part.is_repeated for part in parts),
    )


def asked(
    settings: Settings, state: State, site_id: str | None, options: Mapping[str, str]
) -> Request:
    """Return what an importer is told of the rows' site and of this home."""
    hosts = {site.site_id: site.host for site in sites.list_sites(state)}
    return Request(
        site_id=site_id,
        options=options,
        host=hosts.get(site_id) if site_id else None,
        keys=settings.keys,
        suspects=read_suspects(settings.lists),
    )


def described_site(path: Path) -> SiteDefinition | None:
    """Return the site that a ``site.json`` beside the files describes.

    Raises:
        ImportFileError: it does not hold a site.
    """
    manifest = (path if path.is_dir() else path.parent) / SITE_FILE
    return read_site(manifest) if manifest.is_file() else None


def _site(state: State, path: Path, site: str | None) -> str | None:
    """Return the id of the rows' site; add the site that ``site.json`` describes."""
    described = described_site(path) if site is None else None
    if described is not None:
        return _add_site(state, described)
    require_site(state, site)
    return site


def require_site(state: State, site: str | None) -> None:
    """Refuse a site that is not known.

    Raises:
        ImportFileError: lists those that are.
    """
    known = [one.site_id for one in sites.list_sites(state)]
    if site is not None and site not in known:
        raise ImportFileError(
            f"--site {site}: there is no such site, only {', '.join(known) or 'none'}; "
            f"add it: code24 site add {site} --help"
        )


def read_site(path: Path) -> SiteDefinition:
    """Read a ``site.json``.

    Raises:
        ImportFileError: it does not hold a site.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=SiteDefinition)
    except (OSError, msgspec.DecodeError) as error:
        raise ImportFileError(f"{path}: describes no site: {error}") from error


def _add_site(state: State, site: SiteDefinition) -> str:
    added = sites.add_site(
        state,
        site.site_id,
        site.host,
        site.vertical,
        site.goals,
        actor=ACTOR,
        now=datetime.now(UTC),
    )
    return added.site_id


class _Transfer:
    """One file on its way in."""

    def __init__(
        self,
        state: State,
        log: IntakeLog,
        importer: Importer,
        file: Path,
        request: Request,
    ) -> None:
        self._state = state
        self._log = log
        self._importer = importer
        self._file = file
        self._request = replace(request, meter=Meter())
        self._started_at = datetime.now(UTC)
        self._sites = frozenset(site.site_id for site in sites.list_sites(state))

    def run(self, limit: int | None, progress: Progress | None) -> ImportSummary:
        """Take the file in from where the ledger says, up to ``limit`` rows of it."""
        row = imports.begin(
            self._state,
            self._file.name,
            _content_digest(self._file, self._request),
            self._importer.name,
            site_id=self._request.site_id,
            actor=ACTOR,
            now=self._started_at,
        )
        if row.status == "complete":
            return self._summary({}, is_repeated=True)
        items = self._importer.read(self._file, self._request)
        wanted = islice(items, row.rows_done, limit)
        added = self._take_all(row, wanted, progress)
        if limit is None or next(items, None) is None:
            now = datetime.now(UTC)
            imports.finish(self._state, row.import_id, actor=ACTOR, now=now)
        return self._summary(added)

    def _take_all(
        self,
        row: imports.ImportRow,
        items: Iterable[ImportItem],
        progress: Progress | None,
    ) -> dict[str, int]:
        added: dict[str, int] = {}
        done = row.rows_done
        for batch in _batches(items):
            added = _plus(added, self._take(batch))
            done += len(batch)
            imports.advance(
                self._state,
                row.import_id,
                done,
                _plus(row.counts, added),
                actor=ACTOR,
                now=datetime.now(UTC),
            )
            if progress is not None:
                progress(Step(self._file.name, done, self._request.meter))
        return added

    def _take(self, batch: list[ImportItem]) -> dict[str, int]:
        """Write one batch, tests before events, and count what it came to."""
        now = datetime.now(UTC)
        finished = [item for item in batch if isinstance(item, PastExperiment)]
        tests = [item for item in batch if isinstance(item, Experiment)]
        past.import_past(self._state, finished, actor=ACTOR, now=now)
        for test in tests:
            experiments.create_test(self._state, test, actor=ACTOR, now=now)
        rows = (item for item in batch if isinstance(item, EventRow | BadRow))
        gone = erasures.erased(self._state)
        encoded = encode_outcomes(self._outcome(row, gone) for row in rows)
        if encoded.records or encoded.dead:
            self._log.append(encoded)
        return {
            "events": len(encoded.records),
            "dead_letters": len(encoded.dead),
            "tests": len(tests),
            "past_experiments": len(finished),
            "skipped": sum(isinstance(item, SkippedRow) for item in batch),
        }

    def _outcome(self, row: EventRow | BadRow, gone: Erased) -> LogRecord | DeadLetter:
        site_id = self._request.site_id
        at, suspects = self._started_at, self._request.suspects
        return outcome(row, site_id, self._sites, at, gone, suspects)

    def _summary(
        self, added: Mapping[str, int], *, is_repeated: bool = False
    ) -> ImportSummary:
        return ImportSummary(
            source=self._file.name,
            format_name=self._importer.name,
            site_id=self._request.site_id,
            is_repeated=is_repeated,
            **added,
        )


def outcome(
    row: EventRow | BadRow,
    site_id: str | None,
    known_sites: Collection[str],
    received_at: datetime,
    gone: Erased = NOBODY,
    suspects: Suspects = NO_SUSPECTS,
) -> LogRecord | DeadLetter:
    """Return what the door makes of a row; no dead letter shows an address."""
    if isinstance(row, BadRow):
        return dead_letter(
            row.reason,
            without_addresses(row.body),
            origin="import",
            received_at=received_at,
            source=row.source,
            site_id=site_id,
            erased=gone,
            is_unmapped=True,
        )
    return admit(
        row.body,
        origin="import",
        received_at=received_at,
        source=row.source,
        sites=known_sites,
        expected_site=site_id,
        erased=gone,
        suspects=suspects,
    )


def _batches(items: Iterable[ImportItem]) -> Iterator[list[ImportItem]]:
    """Yield the items by ``BATCH``, and those before a break in the file too."""
    batch: list[ImportItem] = []
    try:
        for item in items:
            batch.append(item)
            if len(batch) == BATCH:
                yield batch
                batch = []
    except ImportFileError:
        yield batch
        raise
    if batch:
        yield batch


def _plus(counts: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    return {name: counts.get(name, 0) + number for name, number in more.items()}


def _content_digest(file: Path, request: Request) -> str:
    """Return what identifies an import: the bytes, and how they are to be read."""
    try:
        with file.open("rb") as stream:
            content = file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise ImportFileError(f"{file}: cannot be read: {error}") from error
    return digest([content, dict(request.options)]) if request.options else content
