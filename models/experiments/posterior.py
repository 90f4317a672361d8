"""The joint normal posterior of all arms of all tests, in closed form.

A test has a level (flat prior) and each arm a deviation from it (normal prior), so
given the level the arms are independent, and all correlation between them runs
through that one number. This keeps the joint posterior of any number of arms closed:
``deviation = center - loading * level_error + noise``.
"""

from typing import NamedTuple

import numpy as np

from models.experiments.arms import Arms, Floats
from models.priors.normal import deviations


class PriorValues(NamedTuple):
    """The prior of each test: arrays with one entry per test."""

    mean: Floats
    sd: Floats
    correlation: Floats


class Posterior(NamedTuple):
    """The posterior; arrays per arm, but ``level_variance`` per test."""

    center: Floats
    """Mean of the arm's deviation from the test's level."""
    loading: Floats
    """How much of an error in the level goes over into the arm's deviation."""
    noise: Floats
    """Variance of the arm's deviation, were the level known."""
    level_variance: Floats
    """Variance of the test's level."""
    effect: Floats
    """Mean of the log ratio to the control; 0 for the control."""
    effect_sd: Floats
    """Standard deviation of the log ratio to the control; 0 for the control."""


def update(arms: Arms, prior: PriorValues) -> Posterior:
    """Return what the arms' data make of the prior."""
    mean, sd, share = (values[arms.test] for values in prior)
    center, variance = deviations(arms.is_control, mean, sd, share)
    precision = 1.0 / (variance + arms.variance)
    residual = arms.log_rate - center
    level_variance = 1.0 / arms.sums(precision)
    level = arms.sums(precision * residual) * level_variance
    loading = variance * precision
    center = center + loading * (residual - level[arms.test])
    return _with_effects(arms, center, loading, level_variance)


def _with_effects(
    arms: Arms, center: Floats, loading: Floats, level_variance: Floats
) -> Posterior:
    noise = loading * arms.variance
    slope = loading - arms.of_control(loading)
    variance = (
        noise + arms.of_control(noise) + np.square(slope) * level_variance[arms.test]
    )
    effect_sd = np.sqrt(np.where(arms.is_control, 0.0, variance))
    effect = center - arms.of_control(center)
    return Posterior(center, loading, noise, level_variance, effect, effect_sd)
