"""The posterior of a scale mixture: one normal posterior per scale, and its chance.

All figures of an arm are exact sums over the scales; only the ends of the interval
are searched for.
"""

from typing import NamedTuple

import numpy as np
import polars as pl

from models.experiments import best
from models.experiments.arms import Arms, Flags, Floats
from models.experiments.best import Best
from models.experiments.posterior import Posterior, PriorValues, update
from models.experiments.special import normal_cdf, normal_quantile

SMALLEST_EFFECT = 0.0075
"""Scales below count as no effect in the chance to win: an effect of half a percent
with a sign is nothing anybody could claim."""
LEAST_SHARE = 1e-12
"""A scale whose chance is below this is left out of chance of best and loss."""
BISECTIONS = 26
"""Of the search for the interval's ends: exact to a hundred-millionth of its width."""
LEAST_SD = 1e-12
"""Of a scale in the search: one of no width at all is a step where it stands."""


class MixedPrior(NamedTuple):
    """The prior of each test: arrays (tests, scales), and one entry per test."""

    scales: Floats
    weights: Floats
    shift: Floats
    correlation: Floats

    def values(self) -> PriorValues:
        """Return each scale's normal law."""
        shape = self.scales.shape
        return PriorValues(
            self.scales * self.shift[:, None],
            self.scales,
            np.broadcast_to(self.correlation[:, None], shape),
        )


def prior_of(rows: pl.DataFrame) -> MixedPrior:
    """Return the priors of rows that have an analysis' columns ``prior_…``."""
    scales, weights = (as_matrix(rows[f"prior_{n}"]) for n in ("scales", "weights"))
    shift, correlation = (
        rows[f"prior_{n}"].to_numpy() for n in ("shift", "correlation")
    )
    return MixedPrior(scales, weights, shift, correlation)


def as_matrix(lists: pl.Series) -> Floats:
    """Return lists as the rows of a matrix, shorter ones filled up with 0."""
    lengths = lists.list.len().to_numpy()
    matrix = np.zeros((len(lists), int(lengths.max())))
    is_filled = np.arange(matrix.shape[1]) < lengths[:, None]
    matrix[is_filled] = lists.explode().to_numpy()
    return matrix


class Mixed(NamedTuple):
    """What is believed of each arm; arrays have one entry per arm."""

    effect: Floats
    """Mean of the log ratio to the control."""
    effect_sd: Floats
    lift: Floats
    """Mean of the ratio, less 1."""
    lift_low: Floats
    lift_high: Floats
    chance_to_win: Floats
    """Chance of an effect above 0 worth the name; NaN for controls."""
    chance_of_effect: Floats
    """Chance that the test's arms differ by anything worth the name."""
    best: Best


def mix(arms: Arms, prior: MixedPrior, interval: float) -> Mixed:
    """Return what the arms' counts make of the prior.

    Args:
        arms: the arms of the tests.
        prior: of each test.
        interval: probability that the interval on the lift holds.
    """
    posterior = update(arms, prior.values())
    share = shares(posterior.log_evidence, prior.weights)
    of_arm = share[arms.test]
    mean, sd = posterior.effect, posterior.effect_sd
    effect = (of_arm * mean).sum(axis=1)
    square = (of_arm * (np.square(sd) + np.square(mean))).sum(axis=1)
    is_real = (prior.scales >= SMALLEST_EFFECT)[arms.test]
    above = of_arm * is_real * _chance_above(mean, sd)
    tail = 0.5 - interval / 2
    return Mixed(
        effect=effect,
        effect_sd=np.sqrt(np.maximum(square - np.square(effect), 0.0)),
        lift=(of_arm * np.expm1(mean + np.square(sd) / 2)).sum(axis=1),
        lift_low=np.expm1(quantile(of_arm, mean, sd, tail)),
        lift_high=np.expm1(quantile(of_arm, mean, sd, 1.0 - tail)),
        chance_to_win=np.where(arms.is_control, np.nan, above.sum(axis=1)),
        chance_of_effect=(of_arm * is_real).sum(axis=1),
        best=_best(arms, posterior, share, prior.scales == 0),
    )


def shares(log_evidence: Floats, weights: Floats) -> Floats:
    """Return the posterior chance of each scale, per test; rows sum to 1."""
    joint = np.exp(log_evidence - log_evidence.max(axis=1, keepdims=True)) * weights
    share: Floats = joint / joint.sum(axis=1, keepdims=True)
    return share


def _chance_above(mean: Floats, sd: Floats) -> Floats:
    """Return the chance of a value above 0; none for an effect that is certainly 0."""
    z = np.divide(mean, sd, out=np.full_like(mean, -np.inf), where=sd > 0)
    return normal_cdf(z)


def quantile(share: Floats, mean: Floats, sd: Floats, p: float) -> Floats:
    """Return the value below which the mixture lies with chance ``p``, by bisection.

    It lies between the least and the greatest of the scales' own values; where these
    are one, nothing is left to search.
    """
    scale = np.maximum(sd, LEAST_SD)
    ends = mean + normal_quantile(p) * scale
    is_part = share > LEAST_SHARE
    low = np.where(is_part, ends, np.inf).min(axis=1)
    high = np.where(is_part, ends, -np.inf).max(axis=1)
    rows = np.flatnonzero(low < high)
    found = np.where(sd.max(axis=1) > 0, low, 0.0)
    if len(rows):
        part = (share[rows], mean[rows], scale[rows])
        found[rows] = _bisected(*part, p, low[rows], high[rows])
    return found


def _bisected(
    share: Floats, mean: Floats, sd: Floats, p: float, low: Floats, high: Floats
) -> Floats:
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        below = (share * normal_cdf((middle[:, None] - mean) / sd)).sum(axis=1)
        low, high = np.where(below < p, middle, low), np.where(below < p, high, middle)
    found: Floats = 0.5 * (low + high)
    return found


def _best(arms: Arms, posterior: Posterior, share: Floats, is_null: Flags) -> Best:
    """Mix chance of best and loss; where no arm differs, the control is best."""
    chance = np.where(arms.is_control, (share * is_null).sum(axis=1)[arms.test], 0.0)
    loss = np.zeros(len(arms.test))
    for scale in range(share.shape[1]):
        is_part = (share[:, scale] > LEAST_SHARE) & ~is_null[:, scale]
        rows = is_part[arms.test]
        if not rows.any():
            continue
        found = best.find(*_at_scale(arms, posterior, scale, is_part))
        weight = share[arms.test[rows], scale]
        chance[rows] += weight * found.chance
        loss[rows] += weight * found.loss
    return Best(chance, loss)


def _at_scale(
    arms: Arms, posterior: Posterior, scale: int, is_part: Flags
) -> tuple[Arms, Posterior]:
    """Return some tests' arms and their posterior at one scale."""
    rows = is_part[arms.test]
    of_tests = {"level", "level_variance", "log_evidence"}
    fields = {
        name: values[is_part if name in of_tests else rows, scale]
        for name, values in posterior._asdict().items()
    }
    return arms.only(is_part), Posterior(**fields)
