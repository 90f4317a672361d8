"""How fast events are imported and built, what it takes, and whether history costs.

One file of events goes in as an operator's would: import, log, drain, dbt. Then live
events follow in three steps. Both in homes with a little and with ten times as much
history: what a step costs with much, over what it costs with little, is its growth.
"""

import resource
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import duckdb
import msgspec

from cli.bench.figure import Bench, Figure, over_limit, over_peer
from cli.bench.served import add_site, temporary_home
from cli.bench.traffic import SITES, Received, Traffic, experiments
from cli.importers import run_import
from code24.errors import Code24Error
from code24.intake import IntakeLog, admit, encode_outcomes
from code24.settings import Settings
from code24.state import experiments as tests
from code24.state import open_state
from orchestration.dbt import ResidentDbt
from orchestration.defs.raw.assets import snapshot
from orchestration.defs.raw.compaction import compact
from orchestration.defs.raw.drain import drain

DAYS = 60
STEPS = 3
GROWTH_LIMIT = 1.3
MEMORY_LIMIT_MB = 6 * 1024
EVENTS_A_VISITOR = 10
SCAN = """
    select count(*), count(distinct (site_id, visitor_id)), sum(conversion_value)
    from read_parquet('{events}/*/*.parquet')
"""


class Sizes(NamedTuple):
    """How many events there are of each."""

    little: int
    much: int
    step: int


FULL = Sizes(1_000_000, 10_000_000, 100_000)
QUICK = Sizes(20_000, 200_000, 10_000)


class Done(NamedTuple):
    """What a process of its own took."""

    seconds: float
    peak_mb: float


class Measured(NamedTuple):
    """What was measured in one home."""

    read: float
    """Seconds to read and decode the file, and no more."""
    imported: Done
    built: Done
    """Drain, all models and all tests."""
    scanned: float
    steps: list[float]
    """Seconds of each step: drain and all models."""


def scale(settings: Settings, quick: bool) -> dict[str, Figure]:
    """Measure import, full build, memory and the growth of a step's cost."""
    sizes = QUICK if quick else FULL
    little = _measured(settings, sizes.little, sizes.step)
    much = _measured(settings, sizes.much, sizes.step)
    events = sizes.much
    what = f"{events:,} simulated events"
    growth = median(much.steps) / median(little.steps)
    peak = max(much.imported.peak_mb, much.built.peak_mb)
    return {
        "warehouse.import_events_s": over_peer(
            [events / much.imported.seconds],
            [events / much.read],
            "events/s",
            f"reading and decoding the same file, {what}",
        ),
        "warehouse.full_build_events_s": over_peer(
            [events / much.built.seconds],
            [events / much.scanned],
            "events/s",
            f"one DuckDB scan of the same raw files, {what}; drain and tests included",
        ),
        "warehouse.peak_mb": over_limit(
            [peak], "MB", MEMORY_LIMIT_MB, f"limit 6 GB, {what}"
        ),
        "warehouse.increment_growth": over_limit(
            [growth],
            "ratio",
            GROWTH_LIMIT,
            f"limit 1.3: drain and models of {sizes.step:,} events after "
            f"{sizes.much:,} over the same after {sizes.little:,}, "
            f"{median(much.steps):.1f} s over {median(little.steps):.1f} s",
        ),
    }


def _measured(settings: Settings, events: int, step: int) -> Measured:
    with temporary_home(settings) as home:
        _prepare(home)
        traffic = Traffic(events // DAYS, events // EVENTS_A_VISITOR).events()
        file = _write(home.home / "events.jsonl", islice(traffic, events))
        read = _seconds(lambda: _read(file))
        imported = _in_own_process(_import, home, file)
        built = _in_own_process(_build, home)
        scanned = _seconds(lambda: _scan(home))
        steps = _steps(home, traffic, step)
    return Measured(read, imported, built, scanned, steps)


def _prepare(home: Settings) -> None:
    for number in range(SITES):
        add_site(home, f"site{number}")
    with open_state(home.database_url) as state:
        for test in experiments():
            tests.create_test(state, test, actor="bench", now=datetime.now(UTC))


def _write(path: Path, rows: Iterator[Received]) -> Path:
    with path.open("wb") as file:
        file.writelines(row.body + b"\n" for row in rows)
    return path


def _read(path: Path) -> None:
    decode = msgspec.json.Decoder().decode
    with path.open("rb") as file:
        for line in file:
            decode(line)


def _import(home: Settings, file: Path) -> None:
    found = run_import(home, file)
    if found.dead_letters:
        raise Code24Error(f"{found.dead_letters} of the simulated events were refused")


def _build(home: Settings) -> None:
    _take_in(home)
    _run(ResidentDbt(home), with_tests=True)


def _take_in(home: Settings) -> None:
    drain(home.log, home.raw)
    compact(home.raw, above=home.raw_compact_files)
    snapshot(home)


def _run(dbt: ResidentDbt, *, with_tests: bool) -> None:
    failed = [one for one in dbt.build(with_tests=with_tests) if one.is_failed]
    if failed:
        raise Code24Error(f"{failed[0].unique_id}: {failed[0].message}")


def _scan(home: Settings) -> None:
    duckdb.sql(SCAN.format(events=home.raw / "events")).fetchall()


def _steps(home: Settings, traffic: Iterator[Received], step: int) -> list[float]:
    """Return each step's seconds; dbt is resident, as the worker's is."""
    dbt = ResidentDbt(home)
    _run(dbt, with_tests=False)
    return [_step(home, dbt, list(islice(traffic, step))) for _ in range(STEPS)]


def _step(home: Settings, dbt: ResidentDbt, rows: list[Received]) -> float:
    """Return the seconds from events in the log to all models."""
    names = {f"site{number}" for number in range(SITES)}
    with IntakeLog.open(home.log, "live") as log:
        outcomes = (
            admit(
                row.body,
                origin="live",
                received_at=row.received_at,
                source="bench",
                sites=names,
            )
            for row in rows
        )
        log.append(encode_outcomes(outcomes))
    start = time.perf_counter()
    _take_in(home)
    _run(dbt, with_tests=False)
    return time.perf_counter() - start


def _seconds(work: Callable[[], None]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _in_own_process(work: Callable[..., None], *given: Any) -> Done:
    """Run the work where its peak of memory is its own.

    Raises:
        Code24Error: it failed.
    """
    context = get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_report, args=(sender, work, *given))
    process.start()
    sender.close()
    try:
        answer: Done | str = receiver.recv()
    except EOFError:
        answer = "the process ended without an answer"
    process.join()
    if isinstance(answer, str):
        raise Code24Error(answer)
    return answer


def _report(sender: Any, work: Callable[..., None], *given: Any) -> None:
    start = time.perf_counter()
    try:
        work(*given)
    except Code24Error as error:
        sender.send(str(error))
        return
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sender.send(Done(time.perf_counter() - start, peak))


SCALE = Bench(
    (
        "warehouse.import_events_s",
        "warehouse.full_build_events_s",
        "warehouse.peak_mb",
        "warehouse.increment_growth",
    ),
    scale,
)
