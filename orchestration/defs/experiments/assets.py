"""The analysis of all tests."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import dagster as dg
import polars as pl

from models.experiments import strata
from models.experiments.analysis import DEFAULT_CONFIG, analyze
from models.experiments.metrics.comparing import compare
from models.experiments.metrics.figures import figures
from models.priors.mixture import Prior, from_row
from orchestration.markdown import table_of
from orchestration.resources import OWNERS
from orchestration.warehouse import WAREHOUSE_POOL, Warehouse, rows

ANALYSES = dg.AssetKey(["experiments", "analyses"])
OFFSETS = "offsets"
"""Metadata of the analyses: of each partition of the log the first record not read."""


METRIC_ANALYSES = dg.AssetKey(["experiments", "metric_analyses"])


class Inputs(NamedTuple):
    """What the analysis reads, each table as it stands."""

    stats: pl.DataFrame
    weights: pl.DataFrame
    priors: pl.DataFrame
    metrics: pl.DataFrame
    metric_stats: pl.DataFrame
    histogram: pl.DataFrame
    periods: pl.DataFrame | None = None
    """Rows of ``mart_experiment_period_stats``, where the shares of a test changed."""


class Tables(NamedTuple):
    """What it writes."""

    analyses: pl.DataFrame
    metric_analyses: pl.DataFrame


def _spec(key: dg.AssetKey, description: str, grain: str) -> dg.AssetSpec:
    return dg.AssetSpec(
        key,
        deps=[
            ["marts", "mart_experiment_stats"],
            ["marts", "mart_experiment_period_stats"],
            ["marts", "mart_metric_stats"],
            ["marts", "mart_metric_histogram"],
            ["raw", "metrics"],
            ["raw", "weights"],
            ["priors", "effect_priors"],
        ],
        group_name="experiments",
        owners=OWNERS,
        kinds={"python", "duckdb"},
        description=description,
        metadata={"grain": grain},
    )


@dg.multi_asset(
    name="analyses",
    specs=[
        _spec(
            ANALYSES,
            "Effect, interval, chance to win and soundness by the goal metric; one row "
            "per test and variant.",
            "one row per test and variant",
        ),
        _spec(
            METRIC_ANALYSES,
            "Secondary and guardrail metrics, with evidence of gain and of harm; one "
            "row per test, metric and variant.",
            "one row per test, metric and variant",
        ),
    ],
    pool=WAREHOUSE_POOL,
)
def analyses(
    warehouse: dg.ResourceParam[Warehouse],
) -> Iterator[dg.MaterializeResult[None]]:
    """Analyse every test by its goal metric, and by those watched beside it."""
    with warehouse.connect() as connection:
        found = Inputs(*(rows(connection, f"from {table}") for table in _TABLES))
        if strata.changed_tests(found.weights, found.stats):
            found = found._replace(periods=rows(connection, _PERIODS))
        read = rows(connection, _READ)
    made = analyse(found)
    for name, table in made._asdict().items():
        warehouse.replace("experiments", name, table)
    offsets = dg.MetadataValue.json(dict(read.iter_rows()))
    yield dg.MaterializeResult(
        asset_key=ANALYSES, metadata={**_metadata(made.analyses), OFFSETS: offsets}
    )
    yield dg.MaterializeResult(
        asset_key=METRIC_ANALYSES,
        metadata={"dagster/row_count": made.metric_analyses.height},
    )


_TABLES = (
    "marts.mart_experiment_stats",
    "raw.weights",
    "priors.effect_priors",
    "raw.metrics",
    "marts.mart_metric_stats",
    "marts.mart_metric_histogram",
)
_PERIODS = "from marts.mart_experiment_period_stats"
_READ = """
select log_partition, next_offset
from staging.watermarks
where model_name = 'int_unit_outcomes'
order by log_partition
"""


def analyse(found: Inputs) -> Tables:
    """Analyse all tests, each from its own row of ``priors.effect_priors``."""
    of_tests = found.priors.filter(pl.col("experiment_id").is_not_null())
    priors = {
        row["experiment_id"]: from_row(row) for row in of_tests.iter_rows(named=True)
    }
    told = figures(found.metrics, found.stats, found.metric_stats, found.histogram)
    return Tables(_by_goal(found, priors, told), compare(told))


def _by_goal(
    found: Inputs, priors: Mapping[str, Prior], told: pl.DataFrame
) -> pl.DataFrame:
    """Analyse each test by its goal metric.

    Tests whose planned shares changed while they were seen are compared within the
    periods of constant shares. Of other goals than plain conversion no periods are
    kept: those tests have the change as their problem.
    """
    changed = strata.changed_tests(found.weights, found.stats)
    others = told.filter(pl.col("role") == "goal")["experiment_id"]
    wanted = pl.col("experiment_id").is_in(sorted(set(changed) - set(others)))
    if found.periods is None or found.periods.filter(wanted).is_empty():
        return analyze(found.stats, found.weights, priors, figures=told)
    pooled = strata.pool(found.periods.filter(wanted), found.stats)
    is_pooled = pl.col("experiment_id").is_in(pooled.seen["experiment_id"].unique())
    stats = [found.stats.filter(~is_pooled), pooled.stats.select(found.stats.columns)]
    plain = found.weights.filter(~is_pooled).select(pooled.weights.columns)
    weights = pl.concat([plain, pooled.weights], how="vertical_relaxed")
    both = pl.concat(stats, how="vertical_relaxed")
    table = analyze(both, weights, priors, figures=told)
    return strata.as_seen(table, pooled, DEFAULT_CONFIG.sample_ratio.warning)


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
