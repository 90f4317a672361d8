"""The analysis of all tests."""

import dagster as dg
import polars as pl

from models.experiments.analysis import analyze
from models.priors.mixture import from_row
from orchestration.markdown import table_of
from orchestration.resources import OWNERS
from orchestration.warehouse import WAREHOUSE_POOL, Warehouse, rows

ANALYSES = dg.AssetKey(["experiments", "analyses"])
OFFSETS = "offsets"
"""Metadata of the analyses: of each partition of the log the first record not read."""


@dg.asset(
    key=ANALYSES,
    deps=[
        ["marts", "mart_experiment_stats"],
        ["raw", "weights"],
        ["priors", "effect_priors"],
    ],
    group_name="experiments",
    owners=OWNERS,
    kinds={"python", "duckdb"},
    metadata={"grain": "one row per test and variant"},
    pool=WAREHOUSE_POOL,
)
def analyses(warehouse: dg.ResourceParam[Warehouse]) -> dg.MaterializeResult[None]:
    """Effect, interval, chance to win and soundness; one row per test and variant."""
    with warehouse.connect() as connection:
        stats = rows(connection, "from marts.mart_experiment_stats")
        weights = rows(connection, "from raw.weights")
        priors = rows(connection, "from priors.effect_priors")
        read = rows(connection, _READ)
    table = analyse(stats, weights, priors)
    warehouse.replace("experiments", "analyses", table)
    offsets = dg.MetadataValue.json(dict(read.iter_rows()))
    return dg.MaterializeResult(metadata={**_metadata(table), OFFSETS: offsets})


_READ = """
select log_partition, next_offset
from staging.watermarks
where model_name = 'int_unit_outcomes'
order by log_partition
"""


def analyse(
    stats: pl.DataFrame, weights: pl.DataFrame, priors: pl.DataFrame
) -> pl.DataFrame:
    """Analyse all tests, each from its own row of ``priors.effect_priors``."""
    of_tests = priors.filter(pl.col("experiment_id").is_not_null())
    return analyze(
        stats,
        weights,
        {row["experiment_id"]: from_row(row) for row in of_tests.iter_rows(named=True)},
    )


def _metadata(table: pl.DataFrame) -> dict[str, dg.MetadataValue]:
    is_unsound = pl.col("problem").is_not_null() | pl.col("is_srm").fill_null(
        value=False
    )
    shown = [
        "experiment_id",
        "variant_id",
        "units",
        "conversions",
        "lift",
        "chance_best",
    ]
    return {
        "dagster/row_count": dg.MetadataValue.int(table.height),
        "tests": dg.MetadataValue.int(table["experiment_id"].n_unique()),
        "unsound": dg.MetadataValue.int(
            table.filter(is_unsound)["experiment_id"].n_unique()
        ),
        "analyses": dg.MetadataValue.md(table_of(table.select(shown))),
    }
