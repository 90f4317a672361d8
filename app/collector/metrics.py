"""``/metrics``: what the collector does, for Prometheus.

Numbers that are kept anyway are read when somebody asks; only the histograms cost
anything while events come, and they are of commits. No label grows with what visitors
send: reasons are the door's own codes, commits have no label at all.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector as Source

if TYPE_CHECKING:
    from app.collector.collector import Collector
    from app.collector.live.live import Sorted

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
MAX_REASONS = 50
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_RECORDS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000)


class CommitMetrics:
    """What the committer has done; written by its thread alone."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.duplicates = 0
        self.bytes = 0
        self.failures = 0
        self._seconds = Histogram(
            "code24_collector_commit_seconds",
            "From taking what waits to durable and counted.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._records = Histogram(
            "code24_collector_commit_records",
            "Records that one commit wrote.",
            buckets=_RECORDS,
            registry=self.registry,
        )

    def committed(self, fresh: "Sorted", size: int, seconds: float) -> None:
        """Count a commit of some records, of so many bytes before duplicates went."""
        self.duplicates += fresh.duplicates
        self.bytes += size
        self._seconds.observe(seconds)
        self._records.observe(len(fresh.payloads))

    def failed(self) -> None:
        """Count a commit that could not be written."""
        self.failures += 1


class Reasons:
    """How many events were refused, by the code that their reason starts with."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def add(self, reason: str) -> None:
        """Count one; codes are the door's, so there are few."""
        code = reason.partition(":")[0]
        if code not in self.counts and len(self.counts) >= MAX_REASONS:
            code = "other"
        self.counts[code] += 1


class RefusedRequests:
    """How many requests were refused whole, by protocol, reason and status."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str, int]] = Counter()

    def add(self, protocol: str, reason: str, status: int) -> None:
        """Count one; protocols, reasons and statuses are ours, so there are few."""
        self._counts[protocol, reason, status] += 1

    def metric(self) -> Metric:
        """Return the counts as one metric."""
        found = CounterMetricFamily(
            "code24_collector_refused_requests",
            "Requests of which nothing was taken.",
            labels=["protocol", "reason", "status"],
        )
        for (protocol, reason, status), count in sorted(self._counts.items()):
            found.add_metric([protocol, reason, str(status)], count)
        return found


def render(collector: "Collector | None", refused: RefusedRequests) -> bytes:
    """Return everything in Prometheus' text format; of what is not open, nothing."""
    registry = CollectorRegistry()
    registry.register(_Snapshot(collector, refused))
    told = generate_latest(registry)
    if collector is None:
        return told
    return told + generate_latest(collector.commits.registry)


class _Snapshot(Source):
    """The collector's numbers at the moment of being asked."""

    def __init__(self, collector: "Collector | None", refused: RefusedRequests) -> None:
        self._collector = collector
        self._refused = refused

    def collect(self) -> Iterable[Metric]:
        """Yield every number that is no histogram."""
        yield self._refused.metric()
        if self._collector is None:
            return
        yield from _door(self._collector)
        yield from _disk(self._collector)
        yield from _live(self._collector)

    def describe(self) -> Iterable[Metric]:
        """Name nothing in advance, so that registering asks for no numbers."""
        return ()


def _door(collector: "Collector") -> Iterator[Metric]:
    counts, commits = collector.counts, collector.commits
    yield _counter("accepted", "Events acknowledged, duplicates too.", counts.accepted)
    rejected = CounterMetricFamily(
        "code24_collector_rejected",
        "Events refused and kept as dead letters.",
        labels=["reason"],
    )
    for reason, count in sorted(counts.reasons.counts.items()):
        rejected.add_metric([reason], count)
    yield rejected
    yield _counter(
        "duplicates", "Events known from the last 24 hours.", commits.duplicates
    )
    yield _counter("bots", "Accepted events flagged as a bot's.", counts.bots)
    yield _counter("bytes", "Bytes of events and dead letters taken.", commits.bytes)
    yield _counter("failed_commits", "Commits not written.", commits.failures)


def _disk(collector: "Collector") -> Iterator[Metric]:
    lag = collector.lag()
    yield _gauge("waiting_bytes", "Not durable yet.", collector.committer.waiting_bytes)
    yield _gauge("free_bytes", "Free where the log lies.", collector.free_bytes)
    yield _gauge("end_offset", "Events in the log.", collector.log.end)
    yield _gauge("lag_records", "Events in the log and not in raw yet.", lag.records)
    yield _gauge("lag_seconds", "How long the oldest of those has been.", lag.seconds)


def _live(collector: "Collector") -> Iterator[Metric]:
    live, outbox = collector.live, collector.live.outbox
    state = live.state
    held = GaugeMetricFamily(
        "code24_collector_live_entries", "What the live state holds.", labels=["kind"]
    )
    evicted = CounterMetricFamily(
        "code24_collector_live_evicted",
        "What the live state let go before its time.",
        labels=["kind"],
    )
    for kind, size, gone in (
        ("ids", len(live.window), live.window.evicted),
        ("numbers", len(state.counters), state.counters.evicted),
        ("units", len(state.units), state.units.evicted),
    ):
        held.add_metric([kind], size)
        evicted.add_metric([kind], gone)
    yield held
    yield evicted
    yield _gauge("live_offset", "Counted up to this record.", state.offset)
    yield _gauge("messages_pending", "Crossings not put yet.", len(state.pending))
    yield _counter("messages", "Threshold messages put.", outbox.put)
    yield _counter("messages_lost", "Threshold messages given up.", outbox.lost)


def _counter(name: str, about: str, value: float) -> Metric:
    return CounterMetricFamily(f"code24_collector_{name}", about, value=value)


def _gauge(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(f"code24_collector_{name}", about, value=value)
