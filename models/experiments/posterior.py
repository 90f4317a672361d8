"""The joint posterior of all arms of all tests, for each scale of a prior.

A test has a level (flat prior) and each arm a deviation from it (normal prior), so
given the level the arms are independent, and all correlation between them runs
through that one number. This keeps the joint posterior of any number of arms closed:
``deviation = center - loading * level_error + noise``.

The binomial likelihood enters as the normal one that touches it where the posterior
is highest (iterated weighted least squares). Taking each arm's variance from its own
count instead would give more weight to arms that were lucky, pull the level up to
them and so promise too little of the best arm: by a tenth with a dozen conversions.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from models.experiments.arms import Arms, Flags, Floats

STEPS = 5
"""Of the weighted least squares; with ten conversions an arm the fifth moves a log
rate by less than 1e-4. A fixed number, so that a test's result does not depend on the
tests beside it."""
LEAST_COUNT = 0.5
"""An arm's expected conversions are taken for no fewer: an arm without any conversion
has its highest likelihood at a rate of zero, where no normal law touches it."""
CHUNK_TESTS = 2_048
"""Tests at a time: bounds the memory, and their arrays stay in a core's cache."""


class PriorValues(NamedTuple):
    """The prior of each test at each scale: arrays (tests, scales)."""

    mean: Floats
    sd: Floats
    correlation: Floats

    def part(self, first: int, last: int) -> "PriorValues":
        """Return the values of the tests from ``first`` to before ``last``."""
        return PriorValues(*(values[first:last] for values in self))


class Posterior(NamedTuple):
    """The posterior at each scale; arrays (arms, scales) where not said otherwise."""

    center: Floats
    """Mean of the arm's deviation from the test's level."""
    loading: Floats
    """How much of an error in the level goes over into the arm's deviation."""
    noise: Floats
    """Variance of the arm's deviation, were the level known."""
    level: Floats
    """Mean of the test's level; (tests, scales)."""
    level_variance: Floats
    """Variance of the test's level; (tests, scales)."""
    effect: Floats
    """Mean of the log ratio to the control; 0 for the control."""
    effect_sd: Floats
    """Standard deviation of the log ratio to the control; 0 for the control."""
    log_evidence: Floats
    """Log marginal likelihood of the test's counts, up to a constant that is the same
    at every scale; (tests, scales)."""


class _Normal(NamedTuple):
    """The normal likelihood that stands for the binomial one; (arms, scales)."""

    log_rate: Floats
    variance: Floats


def update(arms: Arms, prior: PriorValues) -> Posterior:
    """Return what the arms' counts make of the prior, each scale by itself."""
    parts = [
        _update(arms.part(first, last), prior.part(first, last))
        for first, last in _chunks(arms.tests)
    ]
    return Posterior(*(np.concatenate(values) for values in zip(*parts, strict=True)))


def deviations(
    is_control: Flags, mean: Floats, sd: Floats, share: Floats
) -> tuple[Floats, Floats]:
    """Return prior mean and variance of each arm's deviation from its test's level.

    ``share`` is the part of the variance of a log ratio that comes from the control.
    """
    is_control = is_control.reshape(-1, *[1] * (np.ndim(mean) - 1))
    center = np.where(is_control, 0.0, mean)
    variance = np.where(is_control, share, 1.0 - np.asarray(share)) * np.square(sd)
    return center, variance


def _chunks(tests: int) -> Iterator[tuple[int, int]]:
    starts = range(0, max(tests, 1), CHUNK_TESTS)
    return ((first, min(first + CHUNK_TESTS, tests)) for first in starts)


def _update(arms: Arms, prior: PriorValues) -> Posterior:
    center, variance = deviations(
        arms.is_control, *(values[arms.test] for values in prior)
    )
    log_rate = _bounded(arms, np.broadcast_to(arms.log_rate[:, None], center.shape))
    for _ in range(STEPS if arms.is_counted.any() else 1):
        likelihood = _touching(arms, log_rate)
        found = _normal_update(arms, likelihood, center, variance)
        log_rate = _bounded(arms, found.level[arms.test] + found.center)
    evidence = found.log_evidence + _correction(arms, likelihood, log_rate)
    return _with_skew(arms, found._replace(log_evidence=evidence), likelihood)


def _touching(arms: Arms, log_rate: Floats) -> _Normal:
    """Return the normal likelihood with the binomial one's slope and information."""
    rate = np.exp(log_rate)
    expected = arms.units[:, None] * rate
    miss = (arms.conversions[:, None] - expected) / expected
    return _given(arms, _Normal(log_rate + miss, (1.0 - rate) / expected))


def _given(arms: Arms, likelihood: _Normal) -> _Normal:
    """Put the likelihoods that are normal themselves in the place of those found."""
    if arms.is_counted.all():
        return likelihood
    is_counted = arms.is_counted[:, None]
    return _Normal(
        np.where(is_counted, likelihood.log_rate, arms.log_rate[:, None]),
        np.where(is_counted, likelihood.variance, arms.variance[:, None]),
    )


def _bounded(arms: Arms, log_rate: Floats) -> Floats:
    """Keep expected conversions above ``LEAST_COUNT`` and rates below 1."""
    low = np.log(np.minimum(LEAST_COUNT / arms.units, 0.5))
    high = np.log1p(-0.5 / (arms.units + 1.0))
    bounded: Floats = np.clip(log_rate, low[:, None], high[:, None])
    return bounded


def _normal_update(
    arms: Arms, likelihood: _Normal, center: Floats, variance: Floats
) -> Posterior:
    precision = 1.0 / (variance + likelihood.variance)
    residual = likelihood.log_rate - center
    total = arms.sums(precision)
    level = arms.sums(precision * residual) / total
    away = residual - level[arms.test]
    square = arms.sums(precision * np.square(away))
    evidence = 0.5 * (arms.sums(np.log(precision)) - np.log(total) - square)
    loading = variance * precision
    noise = loading * likelihood.variance
    found = center + loading * away
    none = np.empty(0)
    return Posterior(
        found, loading, noise, level, 1.0 / total, none, none, log_evidence=evidence
    )


def _correction(arms: Arms, likelihood: _Normal, log_rate: Floats) -> Floats:
    """Return log binomial less log normal likelihood at the mode (Laplace)."""
    failures = (arms.units - arms.conversions)[:, None]
    binomial = arms.conversions[:, None] * log_rate + failures * np.log1p(
        -np.exp(log_rate)
    )
    square = np.square(likelihood.log_rate - log_rate) / likelihood.variance
    more = binomial + 0.5 * (np.log(likelihood.variance) + square)
    return arms.sums(np.where(arms.is_counted[:, None], more, 0.0))


def _with_skew(arms: Arms, found: Posterior, likelihood: _Normal) -> Posterior:
    """Move the means from the mode to where the likelihood's skewness puts them.

    A log rate's likelihood leans to the left; to first order its mean lies
    ``-C h / 2`` away from its mode, with C the posterior covariance of the log rates
    and h each one's variance times its third derivative (Tierney & Kadane 1986).
    """
    rate = np.exp(_bounded(arms, found.level[arms.test] + found.center))
    third = (1.0 + rate) / (1.0 - rate) / likelihood.variance
    rest = 1.0 - found.loading
    own = found.noise + np.square(rest) * found.level_variance[arms.test]
    push = np.where(arms.is_counted[:, None], -0.5 * own * third, 0.0)
    level = found.level_variance * arms.sums(rest * push)
    center = found.center + found.noise * push - found.loading * level[arms.test]
    return _with_effects(arms, found._replace(center=center, level=found.level + level))


def _with_effects(arms: Arms, found: Posterior) -> Posterior:
    slope = found.loading - arms.of_control(found.loading)
    variance = (
        found.noise
        + arms.of_control(found.noise)
        + np.square(slope) * found.level_variance[arms.test]
    )
    effect_sd = np.sqrt(np.where(arms.is_control[:, None], 0.0, variance))
    effect = found.center - arms.of_control(found.center)
    return found._replace(effect=effect, effect_sd=effect_sd)
