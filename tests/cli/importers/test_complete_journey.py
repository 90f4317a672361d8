"""The grocer's baskets as sales."""

from pathlib import Path

import polars as pl
import pytest

from cli.importers.complete_journey import IMPORTER
from cli.importers.importer import EventRow, ImportFileError
from cli.importers.samples import SAMPLES
from tests.cli.importers.reading import events, only, read, reasons

SAMPLE = SAMPLES / "complete-journey" / "baskets.parquet"


def test_every_basket_is_one_sale_of_its_value() -> None:
    frame = pl.read_parquet(SAMPLE)
    sales = events(read(IMPORTER, SAMPLE))

    assert len(sales) == frame.height
    assert {(e.event_type, e.goal_type) for e in sales} == {("conversion", "sales")}
    total = sum(round((e.conversion_value or 0) * 100) for e in sales)
    assert total == (frame["sales_value"] * 100).round().cast(int).sum()
    assert len({e.visitor_id for e in sales}) == 200
    assert {e.timestamp.year for e in sales} == {2017, 2018}


def test_a_basket_without_a_time_is_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "b.parquet"
    head = pl.read_parquet(SAMPLE).head(3)
    is_second = pl.int_range(pl.len()) == 1
    broken = pl.when(is_second).then(None).otherwise("bought_at").alias("bought_at")
    head.with_columns(broken).write_parquet(path)

    items = read(IMPORTER, path)

    assert reasons(items) == {"b.parquet:2": "invalid: bought_at is empty"}
    assert len(only(EventRow, items)) == 2


def test_whose_baskets_they_are_must_be_said() -> None:
    with pytest.raises(ImportFileError, match="Add --site SITE"):
        read(IMPORTER, SAMPLE, None)
