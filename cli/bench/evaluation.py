"""What deciding costs where it is done here, against the client's own deciding."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec
from growthbook import GrowthBook

from app.dispatcher.evaluation import Visitor, evaluate_all
from app.dispatcher.payload import features
from app.dispatcher.store import Store
from cli.bench.figure import Bench, Figure, over_peer
from cli.bench.load import Outcome, Request, closed_loop, open_loop
from cli.bench.served import serving, temporary_home
from code24.assignment import EvaluationContext
from code24.contracts.experiment import Experiment, Variant
from code24.contracts.release import Shard
from code24.contracts.targeting import Targeting
from code24.contracts.wire import encode
from code24.errors import Code24Error
from code24.releases import Publisher, Reader
from code24.settings import Settings

TESTS = 1_000
RATE = 10
"""Evaluations a second of 1,000 tests each: what one core has time for."""
CONNECTIONS = 8
"""Each is used more than once a second: the server closes those idle for five."""
CLIENT_KEY = "ck_bench"
CLIENT = "PyPI growthbook, the same visitors and tests in its own process"


def evaluation(settings: Settings, quick: bool) -> dict[str, Figure]:
    """Evaluate 1,000 tests for each visitor: in process, and over HTTP."""
    visitors = 30 if quick else 200
    with temporary_home(settings) as home:
        shard = many_tests(TESTS)
        publisher = Publisher(home.releases, home.keys)
        publisher.publish([shard], created_at=datetime.now(UTC), provenance={})
        ours, theirs = _in_process(home, shard, visitors)
        port = home.ports.dispatcher
        requests = [_asking(number) for number in range(visitors)]
        with serving(home, "app.dispatcher", port):
            paced = asyncio.run(open_loop(port, requests, RATE, CONNECTIONS))
            full = asyncio.run(closed_loop(port, requests, connections=4))
    _refuse_failures(paced, full)
    return {
        "dispatcher.eval_over_client": over_peer(ours, theirs, "ms a visitor", CLIENT),
        "dispatcher.eval_p50_ms": _latency(paced, theirs, 0.5),
        "dispatcher.eval_p99_ms": _latency(paced, theirs, 0.99),
        "dispatcher.eval_requests_s": _rate(full, theirs),
    }


def many_tests(count: int, site_id: str = "bench") -> Shard:
    """Return a site with so many running tests, every other one with a condition."""
    return Shard(
        site_id=site_id,
        host=f"{site_id}.example",
        client_key=f"ck_{site_id}",
        tests=tuple(_test(site_id, number) for number in range(count)),
    )


def _test(site_id: str, number: int) -> Experiment:
    asked = Targeting(condition={"country": {"$in": ["DE", "AT"]}, "age": {"$gte": 18}})
    return Experiment(
        test_id=f"{site_id}-{number}",
        site_id=site_id,
        test_type="headline",
        goal_type="traffic",
        variants=(
            Variant(variant_id="a", name="As it is"),
            Variant(variant_id="b", name="Bold"),
        ),
        traffic_split=(0.5, 0.5),
        coverage=0.9,
        targeting=asked if number % 2 else None,
        status="running",
    )


def attributes(number: int) -> dict[str, object]:
    """Return a visitor."""
    country = ("DE", "FR", "AT")[number % 3]
    return {"id": f"visitor-{number}", "country": country, "age": 10 + number % 60}


def _in_process(
    home: Settings, shard: Shard, visitors: int
) -> tuple[list[float], list[float]]:
    """Return each visitor's milliseconds, ours and the client's; both must agree."""
    store = Store(Reader(home.releases, home.keys / "verify.pub"))
    store.refresh_switches()
    store.refresh_release()
    site = store.serving.sites[CLIENT_KEY]
    names = [test.test_id for test in shard.tests]
    told = msgspec.json.decode(encode(features(shard, ())))
    client = GrowthBook(features=told)

    def ours(number: int) -> list[object]:
        known = attributes(number)
        visitor = Visitor(str(known["id"]), EvaluationContext(known))
        return [outcome.value for outcome in evaluate_all(site, visitor)]

    def theirs(number: int) -> list[object]:
        client.set_attributes(attributes(number))
        return [client.eval_feature(name).value for name in names]

    pairs = [(_timed(ours, each), _timed(theirs, each)) for each in range(visitors)]
    client.destroy()
    if any(a[1] != b[1] for a, b in pairs):
        raise Code24Error("the client decided otherwise; see tests/app/dispatcher")
    return [a[0] for a, _ in pairs], [b[0] for _, b in pairs]


def _timed(
    run: Callable[[int], list[object]], number: int
) -> tuple[float, list[object]]:
    start = time.perf_counter()
    found = run(number)
    return (time.perf_counter() - start) * 1_000, found


def _asking(number: int) -> Request:
    body = encode({"attributes": attributes(number)})
    head = (
        f"POST /api/eval/{CLIENT_KEY} HTTP/1.1\r\nHost: bench\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return Request(head.encode() + body, 0)


def _refuse_failures(*outcomes: Outcome) -> None:
    failed = sum(outcome.failed for outcome in outcomes)
    if failed:
        raise Code24Error(f"{failed} evaluations failed")


def _latency(outcome: Outcome, theirs: list[float], share: float) -> Figure:
    value = outcome.percentile(share)
    ordered = sorted(theirs)
    peer = ordered[min(int(share * len(ordered)), len(ordered) - 1)]
    return Figure(
        value=value,
        unit=f"ms over HTTP at {RATE}/s",
        against=f"{CLIENT}: {peer:.1f} ms",
        ratio=value / peer,
        runs=len(outcome.latencies),
    )


def _rate(outcome: Outcome, theirs: list[float]) -> Figure:
    value = len(outcome.latencies) / outcome.seconds
    peer = 1_000 * len(theirs) / sum(theirs)
    return Figure(
        value=value,
        unit="evaluations of 1,000 tests a second over HTTP",
        against=f"{CLIENT}: {peer:.1f} a second",
        ratio=value / peer,
        runs=len(outcome.latencies),
    )


EVALUATION = Bench(
    (
        "dispatcher.eval_over_client",
        "dispatcher.eval_p50_ms",
        "dispatcher.eval_p99_ms",
        "dispatcher.eval_requests_s",
    ),
    evaluation,
)
