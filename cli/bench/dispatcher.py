"""Whether a release that is swapped under load costs a request."""

import asyncio
from datetime import UTC, datetime

from cli.bench.figure import Bench, Figure
from cli.bench.load import Outcome, get, open_loop
from cli.bench.served import serving, temporary_home
from code24.contracts.experiment import Experiment, Variant
from code24.contracts.release import Shard
from code24.errors import Code24Error
from code24.releases import Publisher
from code24.settings import Settings

RATE = 500
SWAPS_PER_SECOND = 4


def failed_on_swap(settings: Settings, quick: bool) -> dict[str, Figure]:
    """Count the requests that fail while releases are published under load."""
    seconds = 3 if quick else 20
    with temporary_home(settings) as home:
        publisher = Publisher(home.releases, home.keys)
        _publish(publisher, 0)
        port = home.ports.dispatcher
        with serving(home, "app.dispatcher", port):
            outcome = asyncio.run(_under_swaps(publisher, port, seconds))
    answered = len(outcome.latencies)
    if answered != RATE * seconds:
        raise Code24Error(f"{answered} of {RATE * seconds} requests were answered")
    against = f"{answered:,} requests at {RATE}/s, {SWAPS_PER_SECOND} releases a second"
    figure = Figure(
        value=outcome.failed,
        unit="requests",
        against=against,
        ratio=outcome.failed / answered,
        runs=1,
    )
    return {"dispatcher.failed_on_swap": figure}


async def _under_swaps(publisher: Publisher, port: int, seconds: int) -> Outcome:
    requests = [get("/api/features/ck_bench")] * (RATE * seconds)
    swapping = asyncio.create_task(_swap(publisher, seconds * SWAPS_PER_SECOND))
    outcome = await open_loop(port, requests, RATE, connections=16)
    await swapping
    return outcome


async def _swap(publisher: Publisher, times: int) -> None:
    for number in range(1, times + 1):
        await asyncio.to_thread(_publish, publisher, number)
        await asyncio.sleep(1 / SWAPS_PER_SECOND)


def _publish(publisher: Publisher, number: int) -> None:
    share = round(0.1 + 0.8 * (number % 50) / 50, 3)
    test = Experiment(
        test_id="bench-test",
        site_id="bench",
        test_type="headline",
        goal_type="traffic",
        variants=(
            Variant(variant_id="a", name="A"),
            Variant(variant_id="b", name="B"),
        ),
        traffic_split=(share, 1 - share),
        status="running",
    )
    shard = Shard(
        site_id="bench", host="bench.example", client_key="ck_bench", tests=(test,)
    )
    publisher.publish([shard], created_at=datetime.now(UTC), provenance={})


FAILED_ON_SWAP = Bench(("dispatcher.failed_on_swap",), failed_on_swap)
