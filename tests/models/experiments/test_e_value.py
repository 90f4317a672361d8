"""The e-value against its integral, and against looking every day."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from models.experiments import e_value
from models.experiments.arms import log_rates


@pytest.mark.parametrize("mean", [0.0, -0.05, 0.04])
@pytest.mark.parametrize("log_ratio", [-0.2, 0.0, 0.06, 0.3])
def test_is_the_likelihood_ratio_of_the_prior_cut_to_gains(
    log_ratio: float, mean: float
) -> None:
    sd, spread = 0.1, 0.05
    prior = norm(mean, sd)

    def weighted(effect: float) -> float:
        likelihood: float = norm.pdf(log_ratio, effect, spread)
        return likelihood * float(prior.pdf(effect)) / float(prior.sf(0))

    integral, _ = quad(weighted, 0, 2, points=[max(log_ratio, 0.0), 0.1])
    expected = integral / norm.pdf(log_ratio, 0, spread)
    e = e_value.one_sided(np.array([log_ratio]), np.array([spread**2]), mean, sd)
    assert e[0] == pytest.approx(expected, rel=1e-6)


def test_stays_finite_for_any_effect() -> None:
    e = e_value.one_sided(np.array([-50.0, 50.0]), np.array([1e-6, 1e-6]), 0.0, 0.3)
    assert np.isfinite(e).all()
    assert e[0] < 1e-3
    assert e[1] > 1e300


def test_has_mean_one_where_nothing_changed() -> None:
    """Under the null its expectation is exactly 1, here by a fine integral."""
    spread = 0.05
    x = np.linspace(-1, 1, 20_001)
    e = e_value.one_sided(x, np.full_like(x, spread**2), 0.0, 0.1)
    mean = float(np.sum(e * norm.pdf(x, 0, spread)) * (x[1] - x[0]))
    assert mean == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("sd", [0.05, 0.3])
def test_daily_looks_at_equal_arms_rarely_reach_twenty(sd: float) -> None:
    """Ville's bound is 5%; 4,000 A/A tests, 28 looks, binomial counts."""
    rng = np.random.default_rng(7)
    daily = rng.binomial(1_000, 0.05, size=(2, 4_000, 28))
    counts = daily.cumsum(axis=2).astype(float)
    units = np.broadcast_to(1_000.0 * np.arange(1, 29), counts.shape)
    log_rate, variance = log_rates(units, counts)
    e = e_value.one_sided(log_rate[1] - log_rate[0], variance.sum(axis=0), 0.0, sd)
    share = float((e.max(axis=1) >= 20).mean())
    assert share <= 0.05
    assert share > 0.001
