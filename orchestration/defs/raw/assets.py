"""Raw tables: what came in, and what shared state says, as Parquet."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import dagster as dg

from code24 import event_log
from code24.privacy.erased import Erased
from code24.settings import Settings
from code24.state import erasures, open_state
from code24.state.snapshot import tables
from orchestration.defs.raw.compaction import compact
from orchestration.defs.raw.drain import Drained, drain
from orchestration.defs.raw.files import event_files
from orchestration.defs.raw.schema import SNAPSHOTS
from orchestration.defs.raw.snapshots import write_snapshots
from orchestration.defs.raw.verify import verify
from orchestration.resources import OWNERS
from orchestration.warehouse import WAREHOUSE_POOL

EVENTS = dg.AssetKey(["raw", "events"])
_DESCRIPTIONS = {
    "events": "Every accepted event, exactly once; one row per record of the event log",
    "sites": "Websites; one row per site",
    "goals": "Goals of each site, main one first; one row per site and goal",
    "experiments": "Tests as shared state holds them; one row per test",
    "variants": "Variants, control first; one row per test and variant",
    "metrics": "What each test is judged by; one row per test and metric",
    "weights": "Planned traffic since when; one row per test, time and variant",
    "decisions": "The decision log as of this run's start; one row per decision",
    "past_experiments": "Finished tests of before; one row per test and variant",
}


def _spec(table: str) -> dg.AssetSpec:
    description, _, grain = _DESCRIPTIONS[table].partition("; ")
    return dg.AssetSpec(
        ["raw", table],
        description=f"{description}; {grain}.",
        group_name="raw",
        owners=OWNERS,
        kinds={"python", "parquet"},
        metadata={"grain": grain},
    )


@dg.multi_asset(
    name="raw_tables",
    specs=[_spec(table) for table in _DESCRIPTIONS],
    can_subset=True,
    pool=WAREHOUSE_POOL,
    required_resource_keys={"settings", "warehouse"},
)
def raw_tables(
    context: dg.AssetExecutionContext,
) -> Iterator[dg.MaterializeResult[None]]:
    """Drain the event log, then snapshot shared state: of both what is asked for.

    In this order, so that the snapshot knows each site and test of a drained event.
    """
    settings: Settings = context.resources.settings
    wanted = {key.path[-1] for key in context.selected_asset_keys}
    if EVENTS in context.selected_asset_keys:
        yield _take_in(context, settings)
    for table, count in snapshot(settings, wanted - {"events"}).items():
        path = settings.raw / f"{table}.parquet"
        yield dg.MaterializeResult(
            asset_key=["raw", table],
            metadata={"dagster/row_count": count, "path": str(path)},
        )


def _take_in(
    context: dg.AssetExecutionContext, settings: Settings
) -> dg.MaterializeResult[None]:
    drained = drain(settings.log, settings.raw, erased=who_was_erased(settings))
    compact(settings.raw, above=settings.raw_compact_files)
    rows = verify(settings.raw)
    context.log.info("drained %s", drained)
    return dg.MaterializeResult(
        asset_key=EVENTS, metadata=_events_metadata(settings, drained, rows)
    )


def snapshot(
    settings: Settings, wanted: Collection[str] = SNAPSHOTS.keys()
) -> dict[str, int]:
    """Write these tables of shared state to ``raw/``; return rows by table."""
    with open_state(settings.database_url) as state:
        return write_snapshots(settings.raw, tables(state, wanted))


def who_was_erased(settings: Settings) -> Erased:
    """Return whose earlier events are not to come back."""
    with open_state(settings.database_url) as state:
        return erasures.erased(state)


def dead_letters(log: Path) -> dict[str, int]:
    """Count the events that were refused, by where they were."""
    dead = log / "dead"
    return {
        name: event_log.end_offset(dead, name) for name in event_log.partitions(dead)
    }


def _events_metadata(
    settings: Settings, drained: Sequence[Drained], rows: dict[str, int]
) -> dict[str, dg.MetadataValue]:
    lines = [
        f"| {d.partition} | {d.start:,} | {d.end:,} | {d.files} |" for d in drained
    ]
    head = "| partition | from | to | files |\n|---|---|---|---|\n"
    return {
        "dagster/row_count": dg.MetadataValue.int(sum(rows.values())),
        "drained": dg.MetadataValue.md(head + "\n".join(lines)),
        "drained_rows": dg.MetadataValue.int(sum(d.end - d.start for d in drained)),
        "dead_letters": dg.MetadataValue.json(dead_letters(settings.log)),
        "files": dg.MetadataValue.int(len(event_files(settings.raw / "events"))),
        "path": dg.MetadataValue.path(settings.raw / "events"),
    }
