"""What a prior is drawn to: the default, bent to what a few tests already show.

A dozen tests cannot tell the weights of sixteen scales, but they can tell two things:
how often changes do nothing, and how large the others are. So the parent is the average
of a family of two numbers over what the tests say of them (Bayesian model averaging):
the odds of scale 0 are multiplied by exp(a), and the weight of each other scale τ by
τ^b, which moves a log-normal of log-sd σ by b σ². The default is its middle.
"""

import numpy as np

from models.experiments.arms import Floats

NULL_SD = 1.2
"""Of a: in one site in three the odds of nothing are more than 3.3 times the default's,
or less than that part of them. 0 keeps the default's share."""
SIZE_SD = 1.4
"""Of b: around the default's log-sd of 0.8 the median scale then varies by a factor of
2.5. 0 keeps the default's size."""
NULL_STEPS = np.linspace(-2.7, 2.7, 7)
SIZE_STEPS = np.linspace(-3.0, 3.0, 9)


def bent(relative: Floats, scales: tuple[float, ...], weights: Floats) -> Floats:
    """Return the weights of the parent.

    Args:
        relative: likelihoods of each test at each scale, each test's largest 1;
            (tests, scales).
        scales: from the smallest on; the first may be 0.
        weights: of the default.
    """
    family, log_prior = _family(np.array(scales), weights)
    log_likelihood = np.log(np.maximum(relative @ family.T, 1e-300)).sum(axis=0)
    log_posterior = log_likelihood + log_prior
    share = np.exp(log_posterior - log_posterior.max())
    mean: Floats = (share / share.sum()) @ family
    return mean


def _family(scales: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Return the weights of each member, and the logarithm of its own prior."""
    null, size = (axis.ravel() for axis in np.meshgrid(NULL_STEPS, SIZE_STEPS))
    is_alive = scales > 0
    log_scale = np.log(np.where(is_alive, scales, 1.0))
    alive = weights * is_alive * np.exp(np.multiply.outer(size, log_scale))
    total = alive.sum(axis=1, keepdims=True)
    alive = alive / np.where(total > 0, total, 1.0)
    nothing = (weights * ~is_alive).sum() * np.exp(null)
    share = nothing / (nothing + (weights * is_alive).sum())
    at_zero = ~is_alive / max((~is_alive).sum(), 1)
    family = (1.0 - share)[:, None] * alive + share[:, None] * at_zero
    log_prior = -0.5 * (np.square(null / NULL_SD) + np.square(size / SIZE_SD))
    return family, log_prior
