"""The normal priors that the analysis starts from."""

from collections.abc import Mapping
from datetime import datetime

import dagster as dg
import polars as pl

from models.priors.normal import learn, learn_at
from orchestration.resources import OWNERS
from orchestration.warehouse import WAREHOUSE_POOL, Warehouse, rows

NORMAL_PRIORS = {
    "experiment_id": pl.String(),
    "prior_mean": pl.Float64(),
    "prior_sd": pl.Float64(),
    "prior_correlation": pl.Float64(),
    "prior_tests": pl.Int64(),
    "prior_before": pl.Datetime("us"),
}
"""``priors.normal_priors``; without ``experiment_id``: what a test begun now gets."""


@dg.asset(
    key=["priors", "normal_priors"],
    deps=[
        ["marts", "mart_past_experiment_stats"],
        ["marts", "mart_experiment_stats"],
        ["raw", "experiments"],
    ],
    group_name="priors",
    owners=OWNERS,
    kinds={"python", "duckdb"},
    metadata={"grain": "one row per test, and one for a test begun now"},
    pool=WAREHOUSE_POOL,
)
def normal_priors(warehouse: dg.ResourceParam[Warehouse]) -> dg.MaterializeResult[None]:
    """What was known of effects on the day each test began; one row per test.

    One row more, without a test, is what a test begun now would start from.
    """
    with warehouse.connect() as connection:
        past = rows(connection, "from marts.mart_past_experiment_stats")
        starts = rows(connection, _STARTS)
    table = learn_priors(past, dict(starts.iter_rows()))
    warehouse.replace("priors", "normal_priors", table)
    return dg.MaterializeResult(metadata=_metadata(table))


_STARTS = """
select experiments.experiment_id,
    least(any_value(experiments.start_at), min(stats.first_exposure_at)) as started_at
from raw.experiments as experiments
left join marts.mart_experiment_stats as stats using (experiment_id)
group by experiments.experiment_id
having started_at is not null
order by experiments.experiment_id
"""


def learn_priors(past: pl.DataFrame, starts: Mapping[str, datetime]) -> pl.DataFrame:
    """Learn the prior of each test as of its start, and that of a test begun now.

    Args:
        past: rows of ``marts.mart_past_experiment_stats``.
        starts: when each test began, naive UTC.
    """
    now = {"experiment_id": None, **learn(past).as_row()}
    priors = learn_at(past, starts)
    table = [now, *({"experiment_id": t, **p.as_row()} for t, p in priors.items())]
    return pl.DataFrame(table, schema=NORMAL_PRIORS)


def _metadata(table: pl.DataFrame) -> dict[str, dg.MetadataValue]:
    now = table.filter(pl.col("experiment_id").is_null()).row(0, named=True)
    return {
        "dagster/row_count": dg.MetadataValue.int(table.height),
        "mean": dg.MetadataValue.float(now["prior_mean"]),
        "sd": dg.MetadataValue.float(now["prior_sd"]),
        "learned_from_tests": dg.MetadataValue.int(now["prior_tests"]),
    }
