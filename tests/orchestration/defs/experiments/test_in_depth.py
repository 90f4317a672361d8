"""What looks deeper into tests, on the tables as the marts hold them."""

from datetime import date, timedelta

import polars as pl

from models.experiments.analysis import analyze
from orchestration.defs.experiments.in_depth import Inputs, look_into
from tests.models.experiments import frames

DAYS = [date(2026, 1, 5) + timedelta(days=day) for day in range(10)]
TESTS = ("fixed", "moved")


def inputs() -> Inputs:
    """Return two tests with the same counts, one of which changed its shares."""
    stats = frames.stats({test: [(10_000, 600), (10_000, 640)] for test in TESTS})
    planned = frames.weights(stats)
    later = planned.filter(experiment_id="moved").with_columns(
        pl.lit(frames.START + timedelta(days=2)).alias("from_at"),
        pl.Series("weight", [0.2, 0.8]),
    )
    arms = stats.select(
        "experiment_id", "site_id", "variation_index", "variant_id",
        pl.col("units", "conversions") // 10,
    )  # fmt: skip
    days = pl.concat(arms.with_columns(pl.lit(day).alias("date_day")) for day in DAYS)
    devices = pl.concat(
        arms.with_columns(
            pl.lit("device").alias("dimension"), pl.lit(device).alias("segment")
        )
        for device in ("desktop", "mobile")
    )
    analyses = analyze(stats, planned)
    return Inputs(stats, pl.concat([planned, later]), analyses, devices, days)


def test_tests_whose_shares_changed_are_left_out() -> None:
    found = look_into(inputs())
    assert found.segment_analyses["experiment_id"].to_list() == ["fixed", "fixed"]
    assert found.novelty_analyses["experiment_id"].to_list() == ["fixed"]
    told = found.novelty_analyses.row(0, named=True)
    assert abs(told["slope"]) < 0.001
    assert told["course"] == "steady"
    kept = inputs()
    plain = kept._replace(weights=frames.weights(kept.stats))
    assert look_into(plain).segment_analyses.height == 4
