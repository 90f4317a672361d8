"""The priors that the analysis starts from."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import dagster as dg
import polars as pl

from models.priors.learning import midnight
from models.priors.pooling import Kind, PriorBook, learn_book
from orchestration.resources import OWNERS
from orchestration.warehouse import WAREHOUSE_POOL, Warehouse, rows

EFFECT_PRIORS = {
    "experiment_id": pl.String(),
    "prior_mean": pl.Float64(),
    "prior_sd": pl.Float64(),
    "prior_null": pl.Float64(),
    "prior_shift": pl.Float64(),
    "prior_correlation": pl.Float64(),
    "prior_scales": pl.List(pl.Float64()),
    "prior_weights": pl.List(pl.Float64()),
    "prior_tests": pl.Int64(),
    "prior_before": pl.Datetime("us"),
    "prior_group": pl.String(),
}
"""``priors.effect_priors``; without ``experiment_id``: what a test begun now gets, one
row for each group of tests, that of all tests (``prior_group`` all) first."""


@dg.asset(
    key=["priors", "effect_priors"],
    deps=[
        ["marts", "mart_past_experiment_stats"],
        ["marts", "mart_experiment_stats"],
        ["raw", "experiments"],
        ["raw", "sites"],
    ],
    group_name="priors",
    owners=OWNERS,
    kinds={"python", "duckdb"},
    metadata={"grain": "one row per test, and one per group for a test begun now"},
    pool=WAREHOUSE_POOL,
)
def effect_priors(warehouse: dg.ResourceParam[Warehouse]) -> dg.MaterializeResult[None]:
    """What was known of effects on the day each test began; one row per test.

    The rows without a test are what a test begun now would start from.
    """
    with warehouse.connect() as connection:
        past = rows(connection, "from marts.mart_past_experiment_stats")
        tests = rows(connection, _TESTS)
        private = rows(connection, "select site_id from raw.sites where not is_shared")
    table = _LEARNED.of(past, tests, private)
    warehouse.replace("priors", "effect_priors", table)
    return dg.MaterializeResult(metadata=_metadata(table))


_TESTS = """
select experiments.experiment_id,
    any_value(experiments.site_id) as site_id,
    any_value(sites.vertical) as vertical,
    any_value(experiments.goal_type) as goal_type,
    any_value(experiments.test_type) as test_type,
    least(any_value(experiments.start_at), min(stats.first_exposure_at)) as started_at
from raw.experiments as experiments
left join raw.sites as sites using (site_id)
left join marts.mart_experiment_stats as stats using (experiment_id)
group by experiments.experiment_id
having started_at is not null
order by experiments.experiment_id
"""


def learn_priors(
    past: pl.DataFrame, tests: pl.DataFrame, private_sites: Iterable[str] = ()
) -> pl.DataFrame:
    """Learn the prior of each test as of its start, and those of a test begun now.

    The cut-off is midnight UTC before the start, so that tests that start on one day
    share one fit and no test sees a result later than itself.

    Args:
        past: rows of ``marts.mart_past_experiment_stats``.
        tests: experiment_id, site_id, vertical, goal_type, test_type, and started_at,
            naive UTC.
        private_sites: sites whose finished tests inform themselves alone.
    """
    private = sorted(private_sites)
    days = {midnight(moment) for moment in tests["started_at"]}
    books = {day: learn_book(past, before=day, private_sites=private) for day in days}
    now = learn_book(past, private_sites=private).shared.values()
    table = [
        *({"experiment_id": None, **prior.as_row()} for prior in now),
        *(_row(test, books) for test in tests.iter_rows(named=True)),
    ]
    return pl.DataFrame(table, schema=EFFECT_PRIORS)


class _Learned:
    """What was learned last, for as long as what it was learned from is the same.

    A worker that stays sees finished tests change far less often than events come in.
    It holds the tests' counts once more: 100 bytes a variant.
    """

    def __init__(self) -> None:
        self._known: tuple[list[pl.DataFrame], pl.DataFrame] | None = None

    def of(
        self, past: pl.DataFrame, tests: pl.DataFrame, private: pl.DataFrame
    ) -> pl.DataFrame:
        """Return ``learn_priors`` of these rows."""
        rows = [past, tests, private]
        if self._known is None or not _are_equal(self._known[0], rows):
            self._known = rows, learn_priors(past, tests, private["site_id"])
        return self._known[1]


_LEARNED = _Learned()


def _are_equal(left: list[pl.DataFrame], right: list[pl.DataFrame]) -> bool:
    return all(a.equals(b) for a, b in zip(left, right, strict=True))


def _row(test: dict[str, Any], books: Mapping[datetime, PriorBook]) -> dict[str, Any]:
    names = ("site_id", "vertical", "goal_type", "test_type")
    kind = Kind(**{name: test[name] for name in names})
    prior = books[midnight(test["started_at"])].of(kind)
    return {"experiment_id": test["experiment_id"], **prior.as_row()}


def _metadata(table: pl.DataFrame) -> dict[str, dg.MetadataValue]:
    now = table.filter(pl.col("experiment_id").is_null()).row(0, named=True)
    return {
        "dagster/row_count": dg.MetadataValue.int(table.height),
        "mean": dg.MetadataValue.float(now["prior_mean"]),
        "sd": dg.MetadataValue.float(now["prior_sd"]),
        "null": dg.MetadataValue.float(now["prior_null"]),
        "learned_from_tests": dg.MetadataValue.int(now["prior_tests"]),
    }
