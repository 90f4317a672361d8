"""Quadrature and closed forms against draws from the same posterior."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from models.experiments import best
from models.experiments.arms import Arms, Floats
from models.experiments.posterior import Posterior, PriorValues
from models.experiments.posterior import update as update_scales
from tests.models.experiments import frames

DRAWS = 400_000
ONE = np.ones(1)
WORLDS = {
    "three even": ([(5_000, 250), (5_000, 265), (5_000, 240)], 0.1, 0.5),
    "seven even": ([(2_000, 40 + 3 * k) for k in range(7)], 0.3, 0.5),
    "control fixed": ([(5_000, 250), (5_000, 265), (5_000, 285)], 0.1, 0.0),
    "large control": ([(90_000, 4_500), (5_000, 265), (5_000, 285)], 0.1, 0.3),
    "uneven": ([(300, 9), (40_000, 1_500), (2_000, 80), (500, 30)], 0.5, 0.7),
    "clear winner": ([(9_000, 450), (9_000, 900), (9_000, 460)], 0.3, 0.5),
}


def update(arms: Arms, prior: PriorValues) -> Posterior:
    """Return the posterior at the one scale that the prior has."""
    found = update_scales(arms, PriorValues(*(each[:, None] for each in prior)))
    return Posterior(*(values[:, 0] for values in found))


def covariance(found: Posterior) -> Floats:
    """Return the covariance of the deviations of one test's arms."""
    shared = np.outer(found.loading, found.loading) * found.level_variance[0]
    total: Floats = np.diag(found.noise) + shared
    return total


def sampled(arms: Arms, prior: PriorValues) -> tuple[Floats, Floats, Floats]:
    """Return chances, losses and the losses' standard errors by sampling."""
    found = update(arms, prior)
    rng = np.random.default_rng(20_260_105)
    drawn = frames.draws(found.center, covariance(found), DRAWS, rng)
    ratio = np.exp(drawn - drawn[:, :1])
    chance = np.bincount(ratio.argmax(axis=1), minlength=ratio.shape[1]) / DRAWS
    loss = ratio.max(axis=1, keepdims=True) - ratio
    return chance, loss.mean(axis=0), loss.std(axis=0) / np.sqrt(DRAWS)


@pytest.mark.parametrize("world", WORLDS)
def test_agrees_with_draws(world: str) -> None:
    """Tolerance: five standard errors of the draws, and 1% of the loss for uneven."""
    counts, sd, correlation = WORLDS[world]
    arms = frames.arms(counts)
    prior = PriorValues(0.01 * ONE, sd * ONE, correlation * ONE)
    chance, loss, error = sampled(arms, prior)
    found = best.find(arms, update(arms, prior))
    assert found.chance.sum() == pytest.approx(1.0, abs=1e-12)
    np.testing.assert_allclose(found.chance, chance, atol=5 * 0.5 / np.sqrt(DRAWS))
    assert (np.abs(found.loss - loss) <= 5 * error + 0.01 * loss + 1e-7).all()


def test_two_arms_agree_with_numerical_integrals() -> None:
    arms = frames.arms([(3_000, 150), (3_000, 170)])
    posterior = update(arms, PriorValues(0 * ONE, 0.1 * ONE, 0.5 * ONE))
    law = norm(posterior.effect[1], posterior.effect_sd[1])
    gain, _ = quad(lambda t: (np.exp(t) - 1) * law.pdf(t), 0, 2)
    fall, _ = quad(lambda t: (1 - np.exp(t)) * law.pdf(t), -2, 0)
    found = best.find(arms, posterior)
    np.testing.assert_allclose(found.loss, [gain, fall], atol=1e-10)
    np.testing.assert_allclose(found.chance, [law.cdf(0), law.sf(0)], atol=1e-12)


def test_tests_of_all_sizes_are_analysed_together_as_alone() -> None:
    tests = [counts for counts, _, _ in WORLDS.values()]
    tests += [[(100, 10), (120, 15)], [(9_000, 90), (9_000, 99)]]
    arms = frames.arms(*tests)
    many = PriorValues(*(np.full(len(tests), v) for v in (0.0, 0.2, 0.5)))
    together = best.find(arms, update(arms, many))
    for index, counts in enumerate(tests):
        one = frames.arms(counts)
        prior = PriorValues(0 * ONE, 0.2 * ONE, 0.5 * ONE)
        alone = best.find(one, update(one, prior))
        rows = arms.test == index
        np.testing.assert_allclose(together.chance[rows], alone.chance, atol=1e-6)
        np.testing.assert_allclose(together.loss[rows], alone.loss, atol=1e-7)


def test_shared_noise_of_the_control_is_counted_once() -> None:
    """Ten equal arms: each is best with chance 1/10, the control among them.

    The control's loss alone differs: a ratio to it has a mean above 1.
    """
    arms = frames.arms([(1_000, 50)] * 10)
    found = best.find(arms, update(arms, PriorValues(0 * ONE, 0.2 * ONE, 0.5 * ONE)))
    np.testing.assert_allclose(found.chance, 0.1, atol=1e-6)
    np.testing.assert_allclose(found.loss[1:], found.loss[1], rtol=1e-9)
    assert found.loss[0] > found.loss[1]
