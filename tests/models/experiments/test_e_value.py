"""The e-value against its integral, and against looking every day."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from models.experiments import e_value
from models.experiments.arms import Floats, log_rates
from models.priors.mixture import DEFAULT_PRIOR, FLAT_PRIOR, Prior, normal


def of_prior(log_ratio: Floats, variance: Floats, prior: Prior) -> Floats:
    shape = (len(log_ratio), len(prior.scales))
    return e_value.one_sided(
        log_ratio,
        variance,
        np.broadcast_to(prior.scales, shape),
        np.broadcast_to(prior.weights, shape),
        np.full(len(log_ratio), prior.shift),
    )


@pytest.mark.parametrize("shift", [0.0, -0.5, 0.4])
@pytest.mark.parametrize("log_ratio", [-0.2, 0.0, 0.06, 0.3])
def test_is_the_likelihood_ratio_of_the_prior_cut_to_gains(
    log_ratio: float, shift: float
) -> None:
    """Each scale is cut to gains and keeps its weight; the spike has no part."""
    prior = Prior((0.0, 0.05, 0.2), (0.6, 0.3, 0.1), shift)
    spread = 0.05
    expected = 0.0
    for scale, weight in ((0.05, 0.75), (0.2, 0.25)):
        law = norm(shift * scale, scale)
        integral, _ = quad(
            lambda t, law=law: norm.pdf(log_ratio, t, spread) * law.pdf(t),
            0,
            2,
            points=[max(log_ratio, 0.0), 0.1],
        )
        expected += weight * integral / law.sf(0) / norm.pdf(log_ratio, 0, spread)
    e = of_prior(np.array([log_ratio]), np.array([spread**2]), prior)
    assert e[0] == pytest.approx(expected, rel=1e-6)


def test_stays_finite_for_any_effect() -> None:
    x = np.array([-50.0, 50.0])
    e = of_prior(x, np.array([1e-6, 1e-6]), normal(0.0, 0.3))
    assert np.isfinite(e).all()
    assert e[0] < 1e-3
    assert e[1] > 1e300


def test_a_prior_of_nothing_alone_gives_no_evidence() -> None:
    nothing = Prior((0.0,), (1.0,))
    assert of_prior(np.array([0.5]), np.array([1e-4]), nothing).tolist() == [1.0]


@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_has_mean_one_where_nothing_changed(shift: float) -> None:
    """Under the null its expectation is exactly 1, here by a fine integral."""
    spread = 0.05
    x = np.linspace(-3, 3, 60_001)
    prior = Prior((0.0, 0.05, 0.2), (0.6, 0.3, 0.1), shift)
    e = of_prior(x, np.full_like(x, spread**2), prior)
    mean = float(np.sum(e * norm.pdf(x, 0, spread)) * (x[1] - x[0]))
    assert mean == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("prior", [DEFAULT_PRIOR, normal(0.0, 0.05), normal(0.0, 0.3)])
def test_daily_looks_at_equal_arms_rarely_reach_twenty(prior: Prior) -> None:
    """Ville's bound is 5%; 4,000 A/A tests, 28 looks, binomial counts."""
    rng = np.random.default_rng(7)
    daily = rng.binomial(1_000, 0.05, size=(2, 4_000, 28))
    counts = daily.cumsum(axis=2).astype(float)
    units = np.broadcast_to(1_000.0 * np.arange(1, 29), counts.shape)
    log_rate, variance = log_rates(units, counts)
    ratio = (log_rate[1] - log_rate[0]).ravel()
    e = of_prior(ratio, variance.sum(axis=0).ravel(), prior).reshape(4_000, 28)
    share = float((e.max(axis=1) >= 20).mean())
    assert share <= 0.05
    assert share > 0.0005


def test_a_flat_prior_can_hardly_prove_anything() -> None:
    """Evidence for effects of any size is evidence for none: e falls with the width."""
    x, variance = np.array([0.1]), np.array([0.04**2])
    flat = of_prior(x, variance, FLAT_PRIOR)[0]
    assert flat < of_prior(x, variance, normal(0.0, 0.1))[0]
