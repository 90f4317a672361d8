"""Which finished tests may teach, and the reason for each that may not."""

from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest

from models.priors.history import CHOSEN, LEAST_HISTORY, screen
from models.priors.mixture import Prior, normal
from tests.models.priors.frames import history

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


UNEVEN = [(0, 9_010, 450), (1, 990, 60)]


def test_split_is_judged_against_its_plan() -> None:
    planned = past(UNEVEN).with_columns(weight=pl.Series([0.9, 0.1]))
    assert reason(planned) is None
    assert reason(past(UNEVEN)) == "sample ratio"
    assert reason(past(SOUND).with_columns(weight=planned["weight"])) == "sample ratio"
    unknown = past(SOUND).with_columns(weight=pl.Series([0.9, None]))
    assert reason(unknown) is None


def test_only_finished_and_earlier_tests_are_used() -> None:
    assert reason(past(SOUND, ended_at=None)) == "not finished"
    assert reason(past(SOUND), before=END) == "ended later"
    assert reason(past(SOUND), before=END + timedelta(seconds=1)) is None


def test_one_id_on_two_sites_is_two_tests() -> None:
    other = past(SOUND).with_columns(pl.lit("blog").alias("site_id"))
    assert screen(pl.concat([past(SOUND), other]))["reason"].to_list() == [None, None]


def test_no_history_is_no_error() -> None:
    assert screen(past(SOUND).clear()).height == 0


PROGRAMMES = {
    "mostly nothing": Prior((0.0, 0.08), (0.7, 0.3)),
    "large effects": normal(0.0, 0.3),
    "small gains": normal(0.02, 0.03),
    "nothing": Prior((0.0,), (1.0,)),
}


def z_of(past: pl.DataFrame) -> pl.DataFrame:
    """Return the tests of pairs with how far the variant lies above its control."""
    rate = (pl.col("conversions") / pl.col("units")).log()
    noise = (1 / pl.col("conversions")).sum().over("experiment_id").sqrt()
    step = (rate - rate.first().over("experiment_id")).max().over("experiment_id")
    low = (rate - rate.first().over("experiment_id")).min().over("experiment_id")
    return past.with_columns(((step + low) / noise).alias("z"))


@pytest.mark.parametrize("name", PROGRAMMES)
@pytest.mark.parametrize("tests", [LEAST_HISTORY, 30, 300])
def test_whole_histories_are_taken(name: str, tests: int) -> None:
    for seed in range(10):
        past = history(tests, PROGRAMMES[name], arms=2, seed=seed)
        reasons = set(screen(past)["reason"].to_list())
        assert CHOSEN not in reasons


@pytest.mark.parametrize("name", ["mostly nothing", "small gains", "nothing"])
@pytest.mark.parametrize("level", [1.64, 1.96])
def test_histories_of_winners_are_refused(name: str, level: float) -> None:
    past = z_of(history(2_000, PROGRAMMES[name], arms=2))
    winners = past.filter(pl.col("z") > level)
    assert winners.height >= 2 * LEAST_HISTORY
    assert None not in screen(winners)["reason"].to_list()


def test_a_history_without_losers_is_refused() -> None:
    past = z_of(history(300, PROGRAMMES["mostly nothing"], arms=2))
    assert CHOSEN in screen(past.filter(pl.col("z") > 0))["reason"].to_list()


def test_only_the_site_that_brings_winners_is_refused() -> None:
    whole = history(60, PROGRAMMES["mostly nothing"], arms=2)
    winners = z_of(history(2_000, PROGRAMMES["mostly nothing"], arms=2, seed=2))
    chosen = winners.filter(pl.col("z") > 1.96).drop("z")
    both = pl.concat([whole, chosen.with_columns(site_id=pl.lit("braggart"))])
    used = screen(both).filter(pl.col("reason").is_null())
    assert set(used["site_id"]) == {"shop"}
    assert CHOSEN in screen(both)["reason"].to_list()


def test_winners_of_many_small_sites_are_refused_together() -> None:
    winners = z_of(history(2_000, PROGRAMMES["mostly nothing"], arms=2, seed=3))
    chosen = winners.filter(pl.col("z") > 1.96).drop("z")
    spread = chosen.with_columns(pl.col("experiment_id").str.tail(2).alias("site_id"))
    assert None not in screen(spread)["reason"].to_list()
