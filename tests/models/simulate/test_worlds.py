"""Worlds: what is drawn is what they say, and looks accumulate."""

from dataclasses import replace

import numpy as np
import pytest

from models.experiments.arms import Floats
from models.priors.mixture import Prior
from models.simulate.worlds import DAYS, WORLDS, World, look, look_at

BY_NAME = {world.name: world for world in WORLDS}


def drawn(prior: Prior, number: int) -> Floats:
    rng = np.random.default_rng(1)
    scale = rng.choice(prior.scales, number, p=np.array(prior.weights))
    effects: Floats = scale * (prior.shift + rng.standard_normal(number))
    return effects


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_truth_is_the_law_that_effects_are_drawn_from(world: World) -> None:
    """Mean, spread and tails of 200,000 draws; two points are met roughly,

    and so is the world of sites, which has other sites in each draw.
    """
    effects = world.draw(np.random.default_rng(2), 200_000)
    told = drawn(world.truth, 200_000)
    loose = {"sites": 0.6, "d": 0.15, "e": 0.2}.get(world.name, 0.05)
    assert told.mean() == pytest.approx(effects.mean(), abs=0.002)
    assert told.std() == pytest.approx(effects.std(), rel=loose)


def test_looks_are_sums_of_days_and_unbiased() -> None:
    """A log ratio of 10% at 28 days, over 4,000 tests: standard error .0015."""
    looks = look_at(BY_NAME["a"], np.full(4_000, 0.1), np.random.default_rng(3))
    assert looks.x.shape == (DAYS, 4_000)
    assert (np.diff(looks.units, axis=0) > 0).all()
    assert (np.diff(looks.least, axis=0) >= 0).all()
    miss = (looks.x[-1] - 0.1) / np.sqrt(looks.variance[-1])
    assert miss.mean() == pytest.approx(0.0, abs=0.07)
    assert miss.std() == pytest.approx(1.0, abs=0.04)


def test_revenue_has_the_variance_that_the_delta_method_says() -> None:
    looks = look_at(BY_NAME["revenue"], np.zeros(4_000), np.random.default_rng(4))
    z = looks.x[-1] / np.sqrt(looks.variance[-1])
    assert z.std() == pytest.approx(1.0, abs=0.04)


def test_novelty_fades() -> None:
    world = replace(BY_NAME["drift"], novelty=1.0)
    looks = look_at(world, np.full(4_000, 0.1), np.random.default_rng(5))
    first, last = looks.x[0].mean(), looks.x[-1].mean()
    assert first == pytest.approx(0.2, abs=0.02)
    assert 0.1 < last < 0.13


def test_the_same_seed_draws_the_same_tests() -> None:
    one, other = (look(WORLDS[0], 50, np.random.default_rng(6)) for _ in range(2))
    assert all((a == b).all() for a, b in zip(one, other, strict=True))
