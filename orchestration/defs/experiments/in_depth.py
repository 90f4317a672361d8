"""What looks deeper into tests than a decision needs: the loop's, by the hour."""

from collections.abc import Iterator
from typing import NamedTuple

import dagster as dg
import polars as pl

from models.experiments import novelty, segments, strata
from orchestration.defs.experiments.assets import ANALYSES
from orchestration.defs.warehouse.assets import HOURLY
from orchestration.markdown import table_of
from orchestration.resources import OWNERS
from orchestration.warehouse import WAREHOUSE_POOL, Warehouse, rows

SEGMENT_ANALYSES = dg.AssetKey(["experiments", "segment_analyses"])
NOVELTY_ANALYSES = dg.AssetKey(["experiments", "novelty_analyses"])


class Inputs(NamedTuple):
    """What is read, each table as it stands."""

    stats: pl.DataFrame
    weights: pl.DataFrame
    analyses: pl.DataFrame
    segment_stats: pl.DataFrame
    days: pl.DataFrame


class Tables(NamedTuple):
    """What is written."""

    segment_analyses: pl.DataFrame
    novelty_analyses: pl.DataFrame


def _spec(key: dg.AssetKey, mart: str, description: str, grain: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        key,
        deps=[
            ["marts", mart],
            ["marts", "mart_experiment_stats"],
            ["raw", "weights"],
            ANALYSES,
        ],
        group_name="experiments",
        owners=OWNERS,
        kinds={"python", "duckdb"},
        tags=HOURLY,
        description=f"{description}; {grain}.",
        metadata={"grain": grain},
    )


@dg.multi_asset(
    name="in_depth",
    specs=[
        _spec(
            SEGMENT_ANALYSES,
            "mart_segment_stats",
            "Effects by channel, country, device, and new or returning, drawn to the "
            "test's",
            "one row per test, variant, dimension and segment",
        ),
        _spec(
            NOVELTY_ANALYSES,
            "mart_experiment_daily_stats",
            "How effects change over the days of a test, and what is left of them",
            "one row per test and variant",
        ),
    ],
    pool=WAREHOUSE_POOL,
)
def in_depth(
    warehouse: dg.ResourceParam[Warehouse],
) -> Iterator[dg.MaterializeResult[None]]:
    """Look into every test by segment, and over its days."""
    with warehouse.connect() as connection:
        found = Inputs(*(rows(connection, f"from {table}") for table in _TABLES))
    for name, table in look_into(found)._asdict().items():
        warehouse.replace("experiments", name, table)
        yield dg.MaterializeResult(
            asset_key=dg.AssetKey(["experiments", name]),
            metadata={"dagster/row_count": table.height, **_told(name, table)},
        )


_TABLES = (
    "marts.mart_experiment_stats",
    "raw.weights",
    "experiments.analyses",
    "marts.mart_segment_stats",
    "marts.mart_experiment_daily_stats",
)
_FLAGS = {"segment_analyses": "is_different", "novelty_analyses": "is_changing"}


def look_into(found: Inputs) -> Tables:
    """Look into all tests but those whose planned shares changed.

    Counts of such a test mix times: in a segment as in the whole.
    """
    changed = strata.changed_tests(found.weights, found.stats)
    is_kept = ~pl.col("experiment_id").is_in(changed)
    return Tables(
        segments.analyze(found.segment_stats.filter(is_kept), found.analyses),
        novelty.analyze(found.days.filter(is_kept), found.analyses),
    )


def _told(name: str, table: pl.DataFrame) -> dict[str, dg.MetadataValue]:
    """Show the rows that are flagged."""
    flagged = table.filter(_FLAGS[name])
    shown = flagged.select(pl.exclude(pl.Boolean)).head(20)
    return {
        "flagged": dg.MetadataValue.int(flagged.height),
        "shown": dg.MetadataValue.md(table_of(shown)),
    }
