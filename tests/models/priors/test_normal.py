"""The learned prior: its likelihood, what it recovers, and what it may not see."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.stats import multivariate_normal

from models.experiments.arms import Floats
from models.priors.normal import (
    DEFAULT_PRIOR,
    LEAST_TESTS,
    NormalPrior,
    PriorError,
    learn,
    learn_at,
    log_likelihood,
)
from tests.models.experiments import frames

DAY = datetime.fromisoformat("2025-03-01T12:00:00")


def history(
    tests: int, *, mean: float, sd: float, correlation: float, arms: int = 4
) -> pl.DataFrame:
    """Return finished tests drawn from a known prior, one ending each hour."""
    rng = np.random.default_rng(tests + arms)
    level = np.log(rng.uniform(0.02, 0.1, (tests, 1)))
    spread = sd * np.sqrt([correlation, *[1 - correlation] * (arms - 1)])
    shift = np.array([0.0, *[mean] * (arms - 1)])
    deviation = shift + spread * rng.standard_normal((tests, arms))
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


def contrast_law(rows: Floats, mean: float, sd: float, correlation: float) -> Floats:
    """Return the log density of log ratios to the control, by the full covariance."""
    log_rate, variance = rows
    others = len(log_rate) - 1
    noise = np.diag(variance[1:]) + variance[0]
    prior = sd**2 * ((1 - correlation) * np.eye(others) + correlation)
    ratio = log_rate[1:] - log_rate[0]
    density: Floats = multivariate_normal(np.full(others, mean), prior + noise).logpdf(
        ratio
    )
    return density


@pytest.mark.parametrize("other", [(0.1, 0.3, 0.5), (0.0, 0.05, 0.0), (-0.2, 1.0, 0.9)])
def test_likelihood_is_that_of_the_log_ratios(other: tuple[float, ...]) -> None:
    """Up to a constant, so differences between two priors are compared."""
    arms = frames.arms([(4_000, 200), (3_500, 210), (900, 30)], [(800, 40), (900, 60)])
    base = (0.0, 0.1, 0.3)
    expected = 0.0
    for test in range(2):
        rows = np.stack([arms.log_rate, arms.variance])[:, arms.test == test]
        expected += float(contrast_law(rows, *other) - contrast_law(rows, *base))
    found = log_likelihood(arms, *other) - log_likelihood(arms, *base)
    assert found == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("mean", "sd", "correlation"),
    [(0.0, 0.05, 0.5), (-0.05, 0.3, 0.5), (0.03, 0.1, 0.1)],
)
def test_recovers_the_prior_that_made_the_history(
    mean: float, sd: float, correlation: float
) -> None:
    """1,500 tests; tolerances of about three standard errors of the fit."""
    past = history(1_500, mean=mean, sd=sd, correlation=correlation)
    found = learn(past)
    assert found.tests == pytest.approx(1_500, abs=6)
    assert found.sd == pytest.approx(sd, rel=0.08)
    assert found.mean == pytest.approx(mean, abs=0.09 * sd)
    assert found.correlation == pytest.approx(correlation, abs=0.08)


def test_pairs_alone_leave_the_correlation_at_its_default() -> None:
    """Two arms say nothing of the correlation, so it must not wander."""
    found = learn(history(400, mean=0.0, sd=0.1, correlation=0.1, arms=2))
    assert found.correlation == pytest.approx(DEFAULT_PRIOR.correlation, abs=1e-3)
    assert found.sd == pytest.approx(0.1, rel=0.12)


def test_learns_from_few_tests_without_leaping() -> None:
    twenty = learn(history(20, mean=0.0, sd=0.3, correlation=0.5))
    assert 0.2 < twenty.sd < 0.4
    few = learn(history(LEAST_TESTS - 1, mean=0.0, sd=0.3, correlation=0.5))
    assert few == DEFAULT_PRIOR


def test_history_without_any_effect_gives_a_narrow_prior() -> None:
    found = learn(history(1_000, mean=0.0, sd=1e-6, correlation=0.5))
    assert found.sd < 0.01


def test_later_tests_change_nothing() -> None:
    past = history(60, mean=0.0, sd=0.2, correlation=0.5)
    before = DAY + timedelta(hours=30)
    rewritten = past.with_columns(
        pl.when(pl.col("ended_at") >= before)
        .then(pl.col("units"))
        .otherwise(pl.col("conversions"))
        .alias("conversions")
    )
    found = learn(past, before=before)
    assert found == learn(rewritten, before=before)
    assert found.tests == 30
    assert found.before == before


def test_priors_are_frozen_at_the_day_before_each_start() -> None:
    past = history(60, mean=0.0, sd=0.2, correlation=0.5)
    starts = {
        "morning": datetime.fromisoformat("2025-03-03T06:00:00+00:00"),
        "evening": datetime.fromisoformat("2025-03-03T22:00:00+00:00"),
        "first": DAY,
    }
    found = learn_at(past, starts)
    midnight = datetime.fromisoformat("2025-03-03T00:00:00")
    assert found["morning"] == found["evening"] == learn(past, before=midnight)
    assert found["morning"].tests == 36
    assert found["morning"].was_known_at(midnight)
    assert not found["morning"].was_known_at(midnight - timedelta(seconds=1))
    assert found["first"] == DEFAULT_PRIOR
    assert DEFAULT_PRIOR.was_known_at(None)


@pytest.mark.parametrize(
    ("name", "value"),
    [("mean", float("nan")), ("sd", 0.0), ("sd", float("inf")), ("correlation", 1.0)],
)
def test_impossible_parameters_are_refused(name: str, value: Any) -> None:
    with pytest.raises(PriorError, match=f"prior {name}={value}"):
        NormalPrior(**{"mean": 0.0, "sd": 0.1, name: value})
