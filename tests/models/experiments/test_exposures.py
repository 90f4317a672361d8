"""Exposure hygiene: what counts as having been shown a variant."""

import polars as pl

from models.experiments.exposures import count
from tests.models.experiments import frames

COLUMNS = ("unit_id", "variation_index", "shown_index", "is_converted")


def counted(rows: list[tuple[str, int, int, bool]]) -> dict[int, tuple[int, ...]]:
    table = pl.DataFrame(rows, schema=COLUMNS, orient="row").with_columns(
        pl.lit("test").alias("experiment_id"),
        pl.lit("shop").alias("site_id"),
        pl.lit(frames.START).alias("at"),
    )
    columns = ("variation_index", "units", "conversions", "units_multiple")
    return {row[0]: row[1:] for row in count(table).select(columns).rows()}


def test_a_unit_counts_once_and_converts_once() -> None:
    rows = [
        ("a", 0, 0, True),
        ("a", 0, 0, True),
        ("b", 0, 0, False),
        ("c", 1, 1, False),
    ]
    assert counted(rows) == {0: (2, 1, 0), 1: (1, 0, 0)}


def test_a_page_that_contradicts_the_assignment_is_no_exposure() -> None:
    rows = [("a", 0, 1, True), ("b", 0, 0, True), ("c", 1, 1, False), ("d", 1, 0, True)]
    assert counted(rows) == {0: (1, 1, 0), 1: (1, 0, 0)}


def test_a_unit_in_two_variants_is_left_out_of_both_and_told() -> None:
    rows = [("a", 0, 0, True), ("a", 1, 1, True), ("b", 0, 0, False), ("c", 1, 1, True)]
    assert counted(rows) == {0: (1, 0, 1), 1: (1, 1, 1)}


def test_a_contradiction_beside_a_valid_exposure_keeps_the_unit() -> None:
    rows = [("a", 0, 0, True), ("a", 0, 1, True), ("b", 1, 1, False)]
    assert counted(rows) == {0: (1, 1, 0), 1: (1, 0, 0)}
