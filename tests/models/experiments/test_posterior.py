"""The closed form against conditioning the full covariance matrix."""

import numpy as np
import pytest

from models.experiments.arms import Floats
from models.experiments.posterior import Posterior, PriorValues, update
from tests.models.experiments import frames

ONE = np.ones(1)


def covariance(found: Posterior) -> Floats:
    """Return the covariance of the deviations of one test's arms."""
    shared = np.outer(found.loading, found.loading) * found.level_variance[0]
    total: Floats = np.diag(found.noise) + shared
    return total


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.5, 0.9])
def test_equals_conditioning_of_the_joint_normal_law(correlation: float) -> None:
    """With a level of variance 1e6 for the flat one; error of order 1e-6."""
    arms = frames.arms([(4_000, 200), (3_500, 210), (900, 30), (4_100, 260)])
    found = update(arms, PriorValues(0.02 * ONE, 0.1 * ONE, correlation * ONE))
    deviation = 0.01 * np.array(
        [correlation, 1 - correlation, 1 - correlation, 1 - correlation]
    )
    center = np.array([0.0, 0.02, 0.02, 0.02])
    level = 1e6
    seen = np.diag(deviation + arms.variance) + level
    gain = np.diag(deviation) @ np.linalg.inv(seen)
    mean = center + gain @ (arms.log_rate - center)
    cover = np.diag(deviation) - gain @ np.diag(deviation)
    np.testing.assert_allclose(found.center, mean, atol=1e-5)
    np.testing.assert_allclose(covariance(found), cover, atol=1e-6)
    contrast = np.eye(4) - np.array([1.0, 0, 0, 0])
    np.testing.assert_allclose(found.effect, contrast @ mean, atol=1e-6)
    variance = np.diag(contrast @ cover @ contrast.T)
    np.testing.assert_allclose(found.effect_sd**2, variance, atol=1e-6)


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.8])
def test_two_arms_give_the_textbook_posterior_of_their_difference(
    correlation: float,
) -> None:
    """With two arms only their difference counts, so the correlation must not."""
    arms = frames.arms([(1_000, 50), (1_200, 80)])
    found = update(arms, PriorValues(0.01 * ONE, 0.2 * ONE, correlation * ONE))
    x = arms.log_rate[1] - arms.log_rate[0]
    s2 = arms.variance.sum()
    weight = 0.04 / (0.04 + s2)
    assert found.effect[1] == pytest.approx(0.01 + weight * (x - 0.01), abs=1e-12)
    assert found.effect_sd[1] == pytest.approx(np.sqrt(weight * s2), abs=1e-12)
    assert (found.effect[0], found.effect_sd[0]) == (0.0, 0.0)


def test_a_flat_prior_leaves_the_data_as_they_are() -> None:
    arms = frames.arms([(1_000, 50), (1_200, 80), (900, 60)])
    found = update(arms, PriorValues(0 * ONE, 10 * ONE, 0.5 * ONE))
    raw = arms.log_rate - arms.log_rate[0]
    np.testing.assert_allclose(found.effect, raw, atol=1e-3)


def test_a_lucky_control_is_seen_through_by_the_other_arms() -> None:
    """One low control lifts every variant; more arms make that plain."""
    prior = PriorValues(0 * ONE, 0.1 * ONE, 0.5 * ONE)
    two = update(frames.arms([(1_000, 80), (1_000, 100)]), prior)
    many = update(frames.arms([(1_000, 80), *[(1_000, 100)] * 5]), prior)
    assert many.effect[1] < two.effect[1]
