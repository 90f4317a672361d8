from collections.abc import Callable
from datetime import date

import dagster as dg
import duckdb
import polars as pl
import pytest

from code24.settings import Settings
from orchestration.defs.warehouse.checks import SUITES, mart_checks
from orchestration.expectations import among, at_most, between, check_result, key
from orchestration.resources import Warehouse

GOOD = pl.DataFrame(
    {
        "site_id": ["a", "a"],
        "date_day": [date(2026, 3, 1), date(2026, 3, 2)],
        "page_views": [3, 0],
        "sessions": [1, 0],
        "visitors": [1, 0],
        "conversions": [1, 0],
        "bot_events": [0, 2],
        "events": [4, 2],
    }
)
SUITE = SUITES["mart_site_daily"]


def test_a_good_mart_passes() -> None:
    result = check_result(GOOD, SUITE)
    assert result.passed
    assert result.description == "11 expectations hold on 2 rows"


def test_an_empty_mart_passes() -> None:
    assert check_result(GOOD.clear(), SUITE).passed


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (
            lambda mart: pl.concat([mart, mart.head(1)]),
            "ExpectCompoundColumnsToBeUnique(['site_id', 'date_day']): 2 rows",
        ),
        (
            lambda mart: mart.with_columns(visitors=pl.lit(-1)),
            "ExpectColumnValuesToBeBetween(visitors): 2 rows",
        ),
        (
            lambda mart: mart.with_columns(page_views=pl.lit(9)),
            "ExpectColumnPairValuesAToBeGreaterThanB(events, page_views): 2 rows",
        ),
        (
            lambda mart: mart.with_columns(site_id=pl.lit(None, dtype=pl.String)),
            "ExpectColumnValuesToNotBeNull(site_id): 2 rows",
        ),
    ],
)
def test_a_spoilt_mart_fails_and_says_why(
    spoil: Callable[[pl.DataFrame], pl.DataFrame], reason: str
) -> None:
    result = check_result(spoil(GOOD), SUITE)
    assert not result.passed
    assert reason in str(result.description)


def test_a_missing_column_fails_and_says_so() -> None:
    result = check_result(GOOD.drop("visitors"), SUITE)
    assert not result.passed
    assert '"visitors"' in str(result.description)


def test_values_never_come_into_the_metadata() -> None:
    frame = pl.DataFrame({"visitor_id": ["secret", "secret"], "goal": ["x", "y"]})
    suite = [*key("visitor_id"), among("goal", ["z"]), *between(0, 1, "n")]
    result = check_result(frame.with_columns(n=pl.lit(5)), suite)
    assert not result.passed
    assert "secret" not in str(result)


def test_decimals_are_compared_as_numbers() -> None:
    frame = pl.DataFrame({"a": ["10"], "b": ["9"]}).cast(pl.Decimal(38, 0))
    assert check_result(frame, [at_most("b", "a")]).passed
    assert not check_result(frame, [at_most("a", "b")]).passed


def test_each_mart_check_reads_its_mart_and_blocks(settings: Settings) -> None:
    settings.warehouse.parent.mkdir(parents=True)
    with duckdb.connect(str(settings.warehouse)) as connection:
        connection.execute("create schema marts")
        connection.register("rows", GOOD.to_arrow())
        connection.execute("create table marts.mart_site_daily as from rows")
        connection.execute("update marts.mart_site_daily set events = -1")
    check = next(c for c in mart_checks if "site_daily" in c.check_key.name)
    result = check(warehouse=Warehouse(settings.warehouse))
    assert isinstance(result, dg.AssetCheckResult)
    assert not result.passed
    assert next(iter(check.check_specs)).blocking
