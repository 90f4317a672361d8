"""Which letters are wanted, what becomes of each now, and writing those admitted."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import NamedTuple

import msgspec

from cli.replay.ledger import Ledger, Place
from code24 import event_log
from code24.contracts.event import DeadLetter, LogRecord, removed_on
from code24.contracts.wire import Contract
from code24.enrichment.suspects import Suspects, read_suspects
from code24.errors import Code24Error
from code24.intake import IntakeLog, admit, dead_folder, encode_outcomes
from code24.privacy.erased import Erased
from code24.settings import Settings
from code24.state import erasures, open_state, sites

PARTITION = "replay"
BATCH = 2_000
"""Letters a sync of the disk."""
NEVER = frozenset({"wrong_site", "erased"})
"""What no change on our side makes right: a key must not write to another's site, and
who was erased does not come back."""

ERASED = b'{"removed":'
"""How a record starts that stands for one that was erased."""

Progress = Callable[[str, int, int], None]
"""Told the partition, how many letters were looked at, and how many there are."""
_decoder = msgspec.json.Decoder(DeadLetter)


class Wanted(NamedTuple):
    """Which letters; what is absent leaves all."""

    reason: str | None = None
    """The code that the reason starts with."""
    site_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class Group(Contract, frozen=True, kw_only=True):
    """The letters of one reason, site and source, and what became of them."""

    reason: str
    site_id: str | None
    source: str
    letters: int
    admitted: int
    """They pass the door now: replayed, or to be replayed in a dry run."""
    refused: int
    """They do not pass the door now either, and stay letters."""
    unmapped: int
    """They are of another tool's form and can never pass: send or import them again."""
    replayed_before: int
    first_at: datetime
    last_at: datetime
    example: str
    """The newest one's reason, or why it is refused now."""


class Summary(Contract, frozen=True, kw_only=True):
    """What a replay did, or would do."""

    is_dry_run: bool
    admitted: int
    refused: int
    unmapped: int
    replayed_before: int
    groups: tuple[Group, ...]


class _Door(NamedTuple):
    """What the door goes by."""

    sites: frozenset[str]
    gone: Erased
    suspects: Suspects


class _Letter(NamedTuple):
    place: Place
    letter: DeadLetter
    site_id: str | None


@dataclass(slots=True)
class _Tally:
    """The groups so far."""

    groups: dict[tuple[str, str | None, str], Group] = field(default_factory=dict)

    def add(self, one: _Letter, kind: str, example: str) -> None:
        """Count a letter as ``admitted``, ``refused``, ``unmapped`` or so on."""
        letter, at = one.letter, one.letter.received_at
        key = (_code(letter), one.site_id, _route(letter.source))
        known = self.groups.get(key) or Group(
            reason=key[0],
            site_id=key[1],
            source=key[2],
            letters=0,
            admitted=0,
            refused=0,
            unmapped=0,
            replayed_before=0,
            first_at=at,
            last_at=at,
            example=example,
        )
        changes = {"letters": known.letters + 1, kind: getattr(known, kind) + 1}
        self.groups[key] = msgspec.structs.replace(
            known,
            first_at=min(known.first_at, at),
            last_at=max(known.last_at, at),
            example=example,
            **changes,
        )

    def summary(self, *, is_dry_run: bool) -> Summary:
        """Return all groups, the largest first, and their sums."""
        groups = sorted(self.groups.values(), key=lambda group: -group.letters)
        return Summary(
            is_dry_run=is_dry_run,
            admitted=sum(group.admitted for group in groups),
            refused=sum(group.refused for group in groups),
            unmapped=sum(group.unmapped for group in groups),
            replayed_before=sum(group.replayed_before for group in groups),
            groups=tuple(groups),
        )


def run_replay(
    settings: Settings,
    wanted: Wanted,
    *,
    is_dry_run: bool,
    progress: Progress | None = None,
) -> Summary:
    """Let the wanted dead letters pass the door again, as origin ``replay``.

    A letter that passes becomes a record of the partition ``replay``, once: again, it
    is counted as replayed before. One that does not stays as it is. Lateness does not
    hold for replays; the site must be known, and be the one the sender may write to.

    Raises:
        Code24Error: the log, the ledger or the shared state cannot be used, or
            another replay runs.
    """
    with open_state(settings.database_url) as state:
        known = frozenset(site.site_id for site in sites.list_sites(state))
        gone = erasures.erased(state)
    door = _Door(known, gone, read_suspects(settings.lists))
    tally = _Tally()
    with ExitStack() as stack:
        ledger = stack.enter_context(Ledger(dead_folder(settings.log)))
        log = None
        if not is_dry_run:
            log = stack.enter_context(IntakeLog.open(settings.log, PARTITION))
            ledger.repair(log.end)
        letters = _letters(settings, wanted, progress)
        while batch := tuple(islice(letters, BATCH)):
            _replay(batch, door, settings, ledger, log, tally)
    return tally.summary(is_dry_run=is_dry_run)


def _replay(
    batch: tuple[_Letter, ...],
    door: _Door,
    settings: Settings,
    ledger: Ledger,
    log: IntakeLog | None,
    tally: _Tally,
) -> None:
    end = event_log.end_offset(settings.log, PARTITION)
    done = {
        partition: ledger.replayed(partition, end)
        for partition in {one.place.partition for one in batch}
    }
    admitted: list[tuple[Place, LogRecord]] = []
    for one in batch:
        if one.place.offset in done[one.place.partition]:
            tally.add(one, "replayed_before", one.letter.reason)
            continue
        if one.letter.is_unmapped:
            tally.add(one, "unmapped", _way_out(one.letter))
            continue
        outcome = _outcome(one, door)
        if isinstance(outcome, LogRecord):
            admitted.append((one.place, outcome))
            tally.add(one, "admitted", one.letter.reason)
        else:
            tally.add(one, "refused", outcome)
    if log is not None and admitted:
        ledger.note([place for place, _ in admitted], log.end)
        log.append(encode_outcomes(record for _, record in admitted))


def _way_out(letter: DeadLetter) -> str:
    """Return what to do about a letter that never was an event."""
    if letter.origin == "import":
        return f"correct {letter.source} and import it again; {letter.reason}"
    return f"send it again; it was not understood: {letter.reason}"


def _outcome(one: _Letter, door: _Door) -> LogRecord | str:
    """Return the letter as a record, or why it is still refused."""
    letter = one.letter
    if _code(letter) in NEVER:
        return letter.reason
    outcome = admit(
        letter.body.encode(),
        origin="replay",
        received_at=datetime.now(UTC),
        source=letter.source,
        sites=door.sites,
        expected_site=letter.site_id,
        erased=door.gone,
        suspects=door.suspects,
    )
    return outcome if isinstance(outcome, LogRecord) else outcome.reason


def _letters(
    settings: Settings, wanted: Wanted, progress: Progress | None
) -> Iterator[_Letter]:
    dead = dead_folder(settings.log)
    for partition in event_log.partitions(dead):
        total = event_log.end_offset(dead, partition)
        start = event_log.start_offset(dead, partition)
        for record in event_log.read(dead, partition, start):
            if removed_on(record.payload) is not None:
                continue
            if progress is not None and record.offset % 1_000 == 0:
                progress(partition, record.offset, total)
            letter = _decode(partition, record)
            if letter is None:
                continue
            site_id = letter.site_id or _site_in(letter.body)
            if _is_wanted(letter, site_id, wanted):
                yield _Letter(Place(partition, record.offset), letter, site_id)


def _decode(partition: str, record: event_log.Record) -> DeadLetter | None:
    """Return the letter; none where it was erased."""
    if record.payload.startswith(ERASED):
        return None
    try:
        return _decoder.decode(record.payload)
    except msgspec.MsgspecError as error:
        raise Code24Error(
            f"dead letters {partition!r}, record {record.offset}: {error}; it was "
            "written by another version of Code24"
        ) from error


def _is_wanted(letter: DeadLetter, site_id: str | None, wanted: Wanted) -> bool:
    at = letter.received_at
    return (
        wanted.reason in (None, _code(letter))
        and wanted.site_id in (None, site_id)
        and (wanted.since is None or at >= wanted.since)
        and (wanted.until is None or at < wanted.until)
    )


def _code(letter: DeadLetter) -> str:
    return letter.reason.partition(":")[0]


def _route(source: str) -> str:
    """Return a route as it is, and of ``file:line`` the file."""
    return source if source.startswith("/") else source.rpartition(":")[0] or source


class _HasSite(msgspec.Struct, rename="camel"):
    site_id: str | None = None


_site_decoder = msgspec.json.Decoder(_HasSite)


def _site_in(body: str) -> str | None:
    try:
        return _site_decoder.decode(body).site_id
    except (msgspec.MsgspecError, RecursionError):
        return None
