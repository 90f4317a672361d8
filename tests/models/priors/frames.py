"""Histories of finished tests with known truth."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl

from models.experiments.arms import Floats
from models.priors.mixture import Prior

DAY = datetime.fromisoformat("2025-03-01T12:00:00")


def history(tests: int, prior: Prior, *, arms: int = 4, seed: int = 1) -> pl.DataFrame:
    """Return finished tests drawn from a known prior, one ending each hour."""
    rng = np.random.default_rng([seed, tests, arms])
    share = np.array([prior.correlation, *[1 - prior.correlation] * (arms - 1)])
    shift = np.array([0.0, *[prior.shift] * (arms - 1)])
    scale = rng.choice(prior.scales, (tests, 1), p=prior.weights)
    noise = rng.standard_normal((tests, arms))
    return counted(scale * (shift + np.sqrt(share) * noise), rng)


def counted(deviation: Floats, rng: np.random.Generator) -> pl.DataFrame:
    """Return finished tests whose log rates deviate by ``deviation`` (tests, arms)."""
    tests, arms = deviation.shape
    level = np.log(rng.uniform(0.02, 0.1, (tests, 1)))
    units = rng.poisson(rng.integers(3_000, 30_000, (tests, 1)), (tests, arms))
    conversions = rng.binomial(units, np.exp(level + deviation))
    index = np.repeat(np.arange(tests), arms)
    return pl.DataFrame(
        {
            "site_id": "shop",
            "experiment_id": [f"p{number}" for number in index],
            "variation_index": np.tile(np.arange(arms), tests),
            "units": units.ravel(),
            "conversions": conversions.ravel(),
            "ended_at": [DAY + timedelta(hours=int(number)) for number in index],
        }
    )
