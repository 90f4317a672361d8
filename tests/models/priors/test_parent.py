"""The parent of a learned prior: the default, bent by what a few tests show."""

import numpy as np
import pytest

from models.experiments.arms import Floats
from models.priors.mixture import DEFAULT_PRIOR, Prior
from models.priors.parent import bent

WEIGHTS = np.array(DEFAULT_PRIOR.weights)
SCALES = np.array(DEFAULT_PRIOR.scales)


def relative(effects: Floats, error: float) -> Floats:
    """Return the likelihoods of effects seen with an error, each test's largest 1."""
    total = np.square(SCALES) + error**2
    density = np.exp(-0.5 * np.square(effects)[:, None] / total) / np.sqrt(total)
    scaled: Floats = density / density.max(axis=1, keepdims=True)
    return scaled


def of(effects: Floats, error: float = 0.01) -> Prior:
    weights = bent(relative(effects, error), DEFAULT_PRIOR.scales, WEIGHTS)
    return Prior(DEFAULT_PRIOR.scales, tuple(weights.tolist()))


def test_without_tests_it_is_near_the_default() -> None:
    parent = bent(np.ones((0, len(SCALES))), DEFAULT_PRIOR.scales, WEIGHTS)
    assert parent.sum() == pytest.approx(1.0)
    assert parent[0] == pytest.approx(DEFAULT_PRIOR.null, abs=0.05)


def test_a_dozen_tests_tell_how_often_changes_do_nothing() -> None:
    rng = np.random.default_rng(1)
    effects = 0.1 * rng.standard_normal(12)
    all_alive, none_alive = of(effects), of(0.01 * rng.standard_normal(12))
    assert all_alive.null < 0.4 < DEFAULT_PRIOR.null < none_alive.null


def test_a_dozen_tests_tell_how_large_effects_are() -> None:
    rng = np.random.default_rng(2)
    large, small = (of(sd * rng.standard_normal(12)) for sd in (0.3, 0.03))
    assert large.sd > 2 * small.sd
    assert large.sd == pytest.approx(0.3, rel=0.5)


def test_a_prior_of_one_scale_has_nothing_to_bend() -> None:
    found = bent(np.ones((5, 1)), (0.1,), np.ones(1))
    np.testing.assert_allclose(found, [1.0])


def test_effects_that_no_scale_explains_do_no_harm() -> None:
    found = bent(np.zeros((3, len(SCALES))), DEFAULT_PRIOR.scales, WEIGHTS)
    assert np.isfinite(found).all()
    assert found.sum() == pytest.approx(1.0)
