"""How an effect changes over the days of a test: learned, covered, rarely cried."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from scipy import optimize, special

from models.experiments import novelty
from models.experiments.analysis import analyze
from models.experiments.arms import Floats
from models.priors.mixture import normal
from tests.models.experiments import frames

FIRST = date(2026, 3, 2)
DAYS = 21
SCHEMA = pl.Schema(
    {
        "experiment_id": pl.String,
        "date_day": pl.Date,
        "variation_index": pl.Int64,
        "site_id": pl.String,
        "variant_id": pl.String,
        "units": pl.Int64,
        "conversions": pl.Int64,
    }
)


def simulated(
    slopes: Floats, seed: int, *, units: int = 1_500, effect: float = 0.0
) -> pl.DataFrame:
    """Return the mart's rows of tests whose log ratios change by ``slopes`` a week.

    Rates follow the weekday, and differ from day to day.
    """
    rng = np.random.default_rng(seed)
    shape = (len(slopes), DAYS)
    day = np.arange(DAYS)
    busy = np.where(day % 7 >= 5, 0.6, 1.0)
    base = 0.06 * np.exp(rng.normal(0, 0.15, shape)) * busy
    ratio = np.exp(effect + slopes[:, None] * (day / 7 - 1.4))
    arms = [(0, base), (1, np.minimum(base * ratio, 1.0))]
    parts = []
    for index, rate in arms:
        arrived = rng.poisson(units * busy, shape)
        frame = {
            "experiment_id": np.repeat([f"t{n:04}" for n in range(shape[0])], DAYS),
            "date_day": [FIRST + timedelta(days=int(d)) for d in day] * shape[0],
            "variation_index": index,
            "site_id": "shop",
            "variant_id": f"v{index}",
            "units": arrived.ravel(),
            "conversions": rng.binomial(arrived, rate).ravel(),
        }
        parts.append(pl.DataFrame(frame).select(*SCHEMA).cast(SCHEMA))
    return pl.concat(parts)


def analysed(days: pl.DataFrame) -> pl.DataFrame:
    """Return the tests' own analyses."""
    totals = days.group_by("experiment_id", "variation_index").agg(
        pl.col("units", "conversions").sum()
    )
    ordered = totals.sort("experiment_id", "variation_index")
    counts = {
        str(test): list(part.select("units", "conversions").iter_rows())
        for (test,), part in ordered.group_by("experiment_id", maintain_order=True)
    }
    table = frames.stats(counts)
    return analyze(table, frames.weights(table), normal(0.0, 0.1))


def test_slopes_are_learned_and_intervals_hold() -> None:
    rng = np.random.default_rng(1)
    slopes = np.where(rng.random(400) < 0.5, 0.0, rng.normal(0.0, 0.1, 400))
    days = simulated(slopes, seed=2)
    found = novelty.analyze(days, analysed(days))
    assert found.height > 380  # the split of one sound test in a hundred is doubted
    slopes = slopes[found["experiment_id"].str.tail(4).cast(pl.Int64).to_numpy()]
    low, high, shrunk, counted = (
        found[name].to_numpy()
        for name in ("slope_low", "slope_high", "slope", "raw_slope")
    )
    # 400 intervals of 90%: within two standard errors, ends at nought held.
    assert ((low <= slopes + 1e-9) & (slopes - 1e-9 <= high)).mean() >= 0.87
    assert np.square(shrunk - slopes).mean() < 0.7 * np.square(counted - slopes).mean()
    assert abs((counted - slopes).mean()) < 0.01


def test_reading_every_day_hardly_any_steady_effect_is_said_to_change() -> None:
    days = simulated(np.zeros(300), seed=3, effect=0.15)
    ever: set[str] = set()
    for length in range(7, DAYS + 1):
        until = days.filter(pl.col("date_day") < FIRST + timedelta(days=length))
        told = novelty.analyze(until, analysed(until))
        ever |= set(told.filter("is_changing")["experiment_id"])
    assert len(ever) / 300 <= novelty.LEVEL


def test_an_effect_that_fades_is_told_with_what_is_left_of_it() -> None:
    days = simulated(np.full(40, -0.2), seed=4, units=6_000, effect=0.2)
    found = novelty.analyze(days, analysed(days))
    assert found.filter(course="falling").height > 0.8 * 40
    left = np.expm1(0.2 - 0.2 * ((DAYS - 1) / 7 - 1.4))
    latest = float(found["lift_latest"].to_numpy().mean())
    assert latest == pytest.approx(left, abs=0.04)
    assert (found["lift_first"] > found["lift_latest"]).all()
    rising = simulated(np.full(10, 0.2), seed=5, units=6_000)
    told = novelty.analyze(rising, analysed(rising))
    assert told.filter(course="rising").height > 0.6 * 10


def test_the_line_has_the_greatest_likelihood() -> None:
    days = simulated(np.array([0.1]), seed=6, units=150)
    found = novelty.analyze(days, analysed(days)).row(0, named=True)
    control, variant = (
        days.filter(variation_index=index).sort("date_day") for index in (0, 1)
    )
    week = np.arange(DAYS) / 7
    own, base = (arm["conversions"].to_numpy() for arm in (variant, control))
    offset = np.log(
        variant["units"].cum_sum().to_numpy() / control["units"].cum_sum().to_numpy()
    )

    def misfit(line: Floats) -> float:
        odds = offset + line[0] + line[1] * week
        logs = own * special.log_expit(odds) + base * special.log_expit(-odds)
        return -float(logs.sum())

    best = optimize.minimize(misfit, np.zeros(2), method="BFGS", tol=1e-10)
    assert found["raw_slope"] == pytest.approx(best.x[1], abs=1e-4)


def test_what_is_too_little_has_no_rows() -> None:
    days = simulated(np.zeros(3), seed=7)
    analyses = analysed(days)
    week = days.filter(pl.col("date_day") < FIRST + timedelta(days=6))
    assert novelty.analyze(week, analyses).is_empty()
    few = days.with_columns(pl.min_horizontal("conversions", 1))
    assert novelty.analyze(few, analyses).is_empty()
    unsound = analyses.with_columns(pl.lit(value=True).alias("is_srm"))
    assert novelty.analyze(days, unsound).is_empty()
    assert novelty.analyze(days.clear(), analyses).schema == novelty.NOVELTY_SCHEMA


def test_days_of_one_arm_alone_do_not_run_away() -> None:
    days = simulated(np.zeros(1), seed=8)
    is_late = pl.col("date_day") >= FIRST + timedelta(days=10)
    split = days.with_columns(
        pl.when(is_late == (pl.col("variation_index") == 1))
        .then("conversions")
        .otherwise(0)
        .alias("conversions")
    )
    found = novelty.analyze(split, analysed(split)).row(0, named=True)
    assert np.isfinite([found["raw_slope"], found["slope"], found["e_value"]]).all()
    assert found["slope"] > 0
