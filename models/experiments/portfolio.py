"""Tests drawn from a known prior: for calibration and for measuring speed."""

from datetime import datetime
from typing import NamedTuple

import numpy as np
import polars as pl

from models.experiments.arms import Floats
from models.priors.mixture import Prior

BASE_RATES = (0.01, 0.2)
UNITS = (2_000, 20_000)
BEGIN = datetime.fromisoformat("2026-01-05T00:00:00")


class Portfolio(NamedTuple):
    """Tables as the analysis reads them, and the truth behind them."""

    stats: pl.DataFrame
    weights: pl.DataFrame
    effects: Floats
    """True log rate ratio of each row to its control."""


def draw(tests: int, arms: int, prior: Prior, rng: np.random.Generator) -> Portfolio:
    """Draw ``tests`` tests of ``arms`` equal arms, control included.

    Base rates are uniform between 1% and 20%, units an arm between 2,000 and 20,000;
    the effects follow ``prior``.
    """
    share = np.array([prior.correlation, *[1 - prior.correlation] * (arms - 1)])
    shift = np.array([0.0, *[prior.shift] * (arms - 1)])
    scale = rng.choice(prior.scales, (tests, 1), p=prior.weights)
    noise = rng.standard_normal((tests, arms))
    deviation = scale * (shift + np.sqrt(share) * noise)
    level = np.log(rng.uniform(*BASE_RATES, (tests, 1)))
    units = rng.poisson(rng.integers(*UNITS, (tests, 1)), (tests, arms))
    rate = np.minimum(np.exp(level + deviation), 0.95)
    stats = _stats(units, rng.binomial(units, rate))
    weights = stats.select(
        "experiment_id",
        "variation_index",
        pl.lit(BEGIN).alias("from_at"),
        pl.lit(1.0 / arms).alias("weight"),
    )
    return Portfolio(stats, weights, (deviation - deviation[:, :1]).ravel())


def _stats(units: np.ndarray, conversions: np.ndarray) -> pl.DataFrame:
    tests, arms = units.shape
    index = pl.DataFrame(
        {
            "test": np.repeat(np.arange(tests), arms),
            "variation_index": np.tile(np.arange(arms), tests),
            "units": units.ravel(),
            "conversions": conversions.ravel(),
        }
    )
    number = pl.col("test").cast(pl.String).str.zfill(7)
    return index.select(
        pl.format("t{}", number).alias("experiment_id"),
        pl.lit("drawn").alias("site_id"),
        "variation_index",
        pl.format("v{}", "variation_index").alias("variant_id"),
        pl.lit("conversion").alias("metric"),
        "units",
        "conversions",
        pl.lit(0).alias("units_multiple"),
        pl.lit(BEGIN).alias("first_exposure_at"),
        pl.lit(BEGIN).alias("last_exposure_at"),
    )
