"""What raw events must be before anything is built on them."""

from pathlib import Path
from typing import get_args

import dagster as dg
import polars as pl

from code24.contracts.event import MAX_VALUE, EventType, Origin
from code24.contracts.wire import GoalType
from code24.settings import Settings
from orchestration.defs.raw.assets import EVENTS
from orchestration.defs.raw.compaction import corrupt, row_count
from orchestration.defs.raw.files import event_files
from orchestration.defs.raw.schema import EVENTS as COLUMNS
from orchestration.expectations import (
    Expectation,
    among,
    between,
    check_result,
    filled,
    key,
)
from orchestration.warehouse import WAREHOUSE_POOL

CHECKED_ROWS = 500_000
"""The newest files up to about so many rows are checked: what a run adds is among
them, and what is older was checked when it was new. Costs half a kilobyte a row."""

_CHECKED = [
    name for name in COLUMNS.names if name not in {"metadata", "url", "referrer"}
]


@dg.asset_check(
    asset=EVENTS,
    name="raw_events_expectations",
    description="Great Expectations on the newest raw events: keys, kinds, ranges.",
    blocking=True,
    pool=WAREHOUSE_POOL,
    required_resource_keys={"settings", "warehouse"},
)
def raw_events_expectations(
    context: dg.AssetCheckExecutionContext,
) -> dg.AssetCheckResult:
    """Hold everything where the newest raw events are not what they must be."""
    settings: Settings = context.resources.settings
    sites = pl.read_parquet(settings.raw / "sites.parquet")["site_id"].to_list()
    return check_result(newest_events(settings.raw, CHECKED_ROWS), suite(sites))


def suite(site_ids: list[str]) -> list[Expectation]:
    """Return what is expected of raw events."""
    return [
        *key("log_partition", "log_offset"),
        *filled("event_id", "visitor_id", "event_at", "received_at"),
        *filled("site_id", "event_type", "origin"),
        among("site_id", site_ids),
        among("event_type", get_args(EventType)),
        among("goal_type", get_args(GoalType)),
        among("origin", get_args(Origin)),
        among("is_goal_fitting", [True]),
        *between(-MAX_VALUE, MAX_VALUE, "conversion_value"),
        *between(None, 24, "hours_ahead"),
        *between(0, None, "log_offset"),
    ]


def newest_events(raw: Path, most: int) -> pl.DataFrame:
    """Read the newest files of raw events, by when they were written.

    Raises:
        RawError: a file cannot be read, or its columns are not as agreed.
    """
    frames = [_read(path) for path in _newest(raw, most)]
    events = pl.concat(frames) if frames else _empty()
    ahead = (pl.col("event_at") - pl.col("received_at")).dt.total_seconds() / 3600
    is_conversion = pl.col("event_type") == "conversion"
    return events.with_columns(
        ahead.alias("hours_ahead"),
        (is_conversion == pl.col("goal_type").is_not_null()).alias("is_goal_fitting"),
    )


def _newest(raw: Path, most: int) -> list[Path]:
    paths = [file.path for file in event_files(raw / "events")]
    paths.sort(key=lambda path: path.stat().st_mtime_ns, reverse=True)
    chosen: list[Path] = []
    rows = 0
    for path in paths:
        rows += row_count(path)
        if chosen and rows > most:
            break
        chosen.append(path)
    return chosen


def _read(path: Path) -> pl.DataFrame:
    try:
        frame = pl.read_parquet(path, columns=_CHECKED, hive_partitioning=False)
        return frame.cast(_empty().schema)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise corrupt(path, error) from error


def _empty() -> pl.DataFrame:
    frame = pl.from_arrow(COLUMNS.empty_table().select(_CHECKED))
    if not isinstance(frame, pl.DataFrame):
        raise TypeError("the raw events' schema is no table's")
    return frame
