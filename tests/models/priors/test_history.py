"""Which finished tests may teach, and the reason for each that may not."""

from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest

from models.priors.history import screen

END = datetime.fromisoformat("2025-03-01T12:00:00")
SOUND = [(0, 1_000, 50), (1, 1_020, 60)]


def past(
    rows: list[tuple[Any, Any, Any]], ended_at: datetime | None = END
) -> pl.DataFrame:
    names = ["variation_index", "units", "conversions"]
    return pl.DataFrame(rows, schema=names, orient="row").with_columns(
        pl.lit("shop").alias("site_id"),
        pl.lit("old").alias("experiment_id"),
        pl.lit(ended_at, dtype=pl.Datetime("us")).alias("ended_at"),
    )


def reason(table: pl.DataFrame, before: datetime | None = None) -> str | None:
    found: str | None = screen(table, before=before)["reason"].item()
    return found


def test_sound_test_is_used_whoever_won() -> None:
    assert reason(past(SOUND)) is None
    assert reason(past([(0, 1_000, 60), (1, 1_020, 20)])) is None


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([(0, 1_000, 50)], "fewer than two variants"),
        ([(1, 1_000, 50), (2, 1_000, 50)], "no single control"),
        ([(0, 1_000, 50), (0, 1_000, 50)], "no single control"),
        ([(0, 1_000, 50), (1, 1_000, 1_001)], "impossible counts"),
        ([(0, 1_000, 50), (1, 1_000, -1)], "impossible counts"),
        ([(0, 1_000, 50), (1, None, 1)], "impossible counts"),
        ([(0, 0, 0), (1, 0, 0)], "impossible counts"),
        ([(0, 1_000, 3), (1, 1_000, 14)], "too few conversions"),
        ([(0, 1_000, 50), (1, 1_300, 50)], "sample ratio"),
    ],
)
def test_unsound_tests_are_left_out(
    rows: list[tuple[Any, Any, Any]], expected: str
) -> None:
    assert reason(past(rows)) == expected


def test_only_finished_and_earlier_tests_are_used() -> None:
    assert reason(past(SOUND, ended_at=None)) == "not finished"
    assert reason(past(SOUND), before=END) == "ended later"
    assert reason(past(SOUND), before=END + timedelta(seconds=1)) is None


def test_one_id_on_two_sites_is_two_tests() -> None:
    other = past(SOUND).with_columns(pl.lit("blog").alias("site_id"))
    assert screen(pl.concat([past(SOUND), other]))["reason"].to_list() == [None, None]


def test_no_history_is_no_error() -> None:
    assert screen(past(SOUND).clear()).height == 0
