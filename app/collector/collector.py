"""What the collector holds open, and how one request's events become durable."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from app.collector.clients import Clients
from app.collector.committer import Committer, QueueFullError
from app.collector.directory import SiteDirectory
from app.collector.disk import DiskGuard
from app.collector.lag import Lag
from app.collector.limits import Limits
from app.collector.live.live import Live, open_live
from app.collector.metrics import CommitMetrics, Reasons
from app.collector.refusals import (
    RefusalError,
    disk_full,
    queue_full,
    unavailable,
)
from code24.contracts.event import Answer, DeadLetter, LogRecord, Rejected
from code24.cookieless import CookielessIds
from code24.errors import Code24Error
from code24.intake import IntakeLog, admit, dead_letter, encode_outcomes
from code24.personal import Pseudonyms
from code24.request_facts import RequestFacts
from code24.settings import Settings
from code24.state import open_state

PARTITION = "live"
MAX_WAITING_BYTES = 32 * 1024 * 1024
"""Some seconds of a slow disk; beyond, senders are told to come again."""


@dataclass(slots=True)
class Counts:
    """What was durably taken since the start."""

    accepted: int = 0
    rejected: int = 0
    bots: int = 0
    reasons: Reasons = field(default_factory=Reasons)


@dataclass(frozen=True, slots=True)
class Collector:
    """An open collector; it lives as long as its server."""

    folder: Path
    min_free_bytes: int
    log: IntakeLog
    committer: Committer
    sites: SiteDirectory
    clients: Clients
    pseudonyms: Pseudonyms
    live: Live
    commits: CommitMetrics
    disk: DiskGuard
    limits: Limits = field(default_factory=Limits)
    counts: Counts = field(default_factory=Counts)

    @property
    def free_bytes(self) -> int:
        """Return the free space where the log lies."""
        return shutil.disk_usage(self.folder).free

    def lag(self) -> Lag:
        """Return how far the warehouse's raw files are behind the log."""
        return self.live.lag.measure(self.log.end)

    def refusal(self) -> RefusalError | None:
        """Return why no event can be taken now; none where it can."""
        if self.log.trouble is not None:
            return unavailable(
                "log",
                f"the event log cannot be written ({self.log.trouble}); "
                "start the collector anew",
            )
        free_bytes = self.disk.free(
            self.committer.taken_bytes, self.committer.waiting_bytes
        )
        if free_bytes < self.min_free_bytes:
            return disk_full(
                f"the disk is nearly full: {max(free_bytes, 0) >> 20} MB are free, "
                f"{self.min_free_bytes >> 20} MB are kept "
                "(CODE24_COLLECTOR_MIN_FREE_MB)"
            )
        if self.committer.is_full:
            return queue_full("too much waits to be written")
        return None

    async def take(
        self,
        events: list[bytes | DeadLetter],
        site_id: str,
        facts: RequestFacts,
        source: str,
    ) -> Answer:
        """Admit the events and return once all of them, or their letters, are durable.

        ``source`` is the route that they came by, for dead letters.

        Raises:
            RefusalError: nothing was acknowledged; the sender should try again.
        """
        now = datetime.now(UTC)
        outcomes = [
            event
            if isinstance(event, DeadLetter)
            else admit(
                event,
                origin="live",
                received_at=now,
                source=source,
                sites=self.sites.site_ids,
                expected_site=site_id,
                facts=facts,
                erased=self.sites.erased,
                suspects=self.clients.suspects,
            )
            for event in events
        ]
        await self._commit(outcomes)
        rejected = tuple(
            Rejected(index=index, reason=outcome.reason)
            for index, outcome in enumerate(outcomes)
            if isinstance(outcome, DeadLetter)
        )
        return Answer(accepted=len(outcomes) - len(rejected), rejected=rejected)

    async def bury(self, reason: str, body: bytes, source: str) -> None:
        """Keep a body that holds no events as one dead letter.

        Raises:
            RefusalError: it could not be written.
        """
        now = datetime.now(UTC)
        letter = dead_letter(
            reason,
            body,
            origin="live",
            received_at=now,
            source=source,
            erased=self.sites.erased,
        )
        await self._commit([letter])

    async def _commit(self, outcomes: list[LogRecord | DeadLetter]) -> None:
        encoded = encode_outcomes(outcomes)
        admitted = [one for one in outcomes if isinstance(one, LogRecord)]
        try:
            await self.committer.commit(encoded, admitted)
        except QueueFullError as error:
            raise queue_full(str(error)) from error
        except (Code24Error, OSError) as error:
            raise self.refusal() or unavailable("log", str(error)) from error
        self._count(outcomes, admitted)

    def _count(
        self, outcomes: list[LogRecord | DeadLetter], admitted: list[LogRecord]
    ) -> None:
        self.counts.accepted += len(admitted)
        self.counts.rejected += len(outcomes) - len(admitted)
        self.counts.bots += sum(one.bot_reason is not None for one in admitted)
        for one in outcomes:
            if isinstance(one, DeadLetter):
                self.counts.reasons.add(one.reason)


@contextmanager
def open_collector(
    settings: Settings,
    max_waiting_bytes: int = MAX_WAITING_BYTES,
    committer: type[Committer] = Committer,
) -> Iterator[Collector]:
    """Open the shared state and the log; on leaving, write what still waits.

    Raises:
        Code24Error: the state or the log cannot be opened, or is another's.
    """
    with (
        open_state(settings.database_url) as state,
        IntakeLog.open(settings.log, PARTITION) as log,
        open_live(settings, PARTITION, state) as live,
    ):
        commits = CommitMetrics()
        writer = committer(log, live, max_waiting_bytes, commits)
        try:
            yield Collector(
                folder=settings.log,
                min_free_bytes=settings.collector_min_free_mb << 20,
                log=log,
                committer=writer,
                sites=SiteDirectory(state),
                clients=Clients(
                    CookielessIds(settings.salts),
                    settings.trusted_proxies,
                    settings.lists,
                ),
                pseudonyms=Pseudonyms(settings.keys),
                live=live,
                commits=commits,
                disk=DiskGuard(settings.log),
            )
        finally:
            writer.close()
