"""Chance of being best and expected loss, from the joint posterior of a test's arms.

Two arms have closed forms. More need one integral over the test's level, which all
arms share (Gauss-Hermite), and one over the best arm's value (trapezoid, which for
normal densities converges faster than any power of its step).
"""

from typing import NamedTuple

import numpy as np
from numpy.polynomial.hermite_e import hermegauss

from models.experiments.arms import Arms, Floats, Integers
from models.experiments.posterior import Posterior
from models.experiments.special import normal_cdf

LEVEL_NODES, LEVEL_WEIGHTS = hermegauss(9)
REACH = 6.0
"""The value grid goes this many standard deviations beyond the arms."""
STEP = 0.5
"""The value grid's step in standard deviations of the best known arm."""
LEAST_SD_SHARE = 0.125
"""An arm known more than 8 times as well as the worst is treated as known 8 times as
well, so that the grid resolves it; differences of arms move by less than 1%."""
CHUNK_TESTS = 64
"""Tests integrated at a time: their arrays stay within a core's cache."""


class Best(NamedTuple):
    """Per arm; a test's chances sum to 1."""

    chance: Floats
    """Chance that the arm has the highest rate of its test."""
    loss: Floats
    """Expected shortfall to the best arm if this one is shipped, as a share of the
    control's rate."""


class _Block(NamedTuple):
    """Tests with equally many arms: arrays (tests, arms), control first."""

    center: Floats
    loading: Floats
    noise: Floats
    level_sd: Floats
    effect: Floats
    effect_sd: Floats


def find(arms: Arms, posterior: Posterior) -> Best:
    """Return chance of being best and expected loss of every arm."""
    best = Best(np.empty(len(arms.test)), np.empty(len(arms.test)))
    sizes = np.bincount(arms.test, minlength=arms.tests)
    for size in np.unique(sizes):
        rows = np.flatnonzero(sizes[arms.test] == size).reshape(-1, size)
        found = _of_size(_block(posterior, arms.test, rows))
        best.chance[rows], best.loss[rows] = found
    return best


def _block(posterior: Posterior, test: Integers, rows: Integers) -> _Block:
    return _Block(
        posterior.center[rows] - posterior.center[rows[:, :1]],
        posterior.loading[rows],
        posterior.noise[rows],
        np.sqrt(posterior.level_variance[test[rows[:, 0]]]),
        posterior.effect[rows],
        posterior.effect_sd[rows],
    )


def _of_size(block: _Block) -> Best:
    if block.center.shape[1] == 2:
        return _of_two(block.effect[:, 1], block.effect_sd[:, 1])
    order = np.argsort(_unevenness(block), kind="stable")
    best = Best(np.empty_like(block.center), np.empty_like(block.center))
    for at in range(0, len(order), CHUNK_TESTS):
        rows = order[at : at + CHUNK_TESTS]
        part = _Block(*(values[rows] for values in block))
        best.chance[rows], best.loss[rows] = _of_many(part)
    return best


def _unevenness(block: _Block) -> Floats:
    """Return how much better the best known arm is known than the worst: 1 or more.

    Tests are integrated in this order, so that only uneven ones get a fine grid.
    """
    most = block.noise.max(axis=1)
    least = np.maximum(block.noise.min(axis=1), np.square(LEAST_SD_SHARE) * most)
    ratio: Floats = np.sqrt(most / least)
    return ratio


def _of_two(effect: Floats, sd: Floats) -> Best:
    """With ratio exp(θ), θ normal: P(θ > 0), E(exp(θ) - 1)+ and E(1 - exp(θ))+."""
    above, above_tilted = normal_cdf(effect / sd), normal_cdf(effect / sd + sd)
    ratio = np.exp(effect + np.square(sd) / 2)
    gain = ratio * above_tilted - above
    fall = (1.0 - above) - ratio * (1.0 - above_tilted)
    chance = np.stack([1.0 - above, above], axis=1)
    return Best(chance, np.maximum(np.stack([gain, fall], axis=1), 0.0))


def _of_many(block: _Block) -> Best:
    """Integrate over level and value.

    ``E max exp(e_k - e_0)`` is ``E exp(-e_0)`` times ``E max exp(e_k)`` under the
    normal law tilted by ``exp(-e_0)``, which shifts each mean by its covariance with
    ``-e_0``: so the ratio to the control needs no third integral.
    """
    ratio = np.exp(block.effect + np.square(block.effect_sd) / 2)
    chance, _ = _maximum(block, np.zeros_like(block.center))
    covariance = block.loading * (
        block.loading[:, :1] * np.square(block.level_sd)[:, None]
    )
    covariance[:, 0] += block.noise[:, 0]
    _, highest = _maximum(block, -covariance)
    highest = highest * np.exp(covariance[:, 0] / 2)
    chance = chance / chance.sum(axis=1, keepdims=True)
    return Best(chance, np.maximum(highest[:, None] - ratio, 0.0))


def _maximum(block: _Block, shift: Floats) -> tuple[Floats, Floats]:
    """Return each arm's chance to be the maximum, and E exp(maximum)."""
    level = (block.level_sd[:, None] * LEVEL_NODES)[:, :, None]
    mean = (block.center + shift)[:, None, :] - block.loading[:, None, :] * level
    sd = np.sqrt(block.noise)
    sd = np.maximum(sd, LEAST_SD_SHARE * sd.max(axis=1, keepdims=True))[:, None, :]
    value, step = _grid(mean, sd)
    weight = step * (LEVEL_WEIGHTS / LEVEL_WEIGHTS.sum())
    density = _density_of_best(value, mean, sd)
    chance = np.einsum("tavk,ta->tk", density, weight)
    highest = np.einsum("tav,tav,ta->t", density.sum(axis=3), np.exp(value), weight)
    return chance, highest


def _grid(mean: Floats, sd: Floats) -> tuple[Floats, Floats]:
    """Return grids (test, level, value) that hold the maximum, and their steps."""
    low = (mean - REACH * sd).max(axis=2)
    high = (mean + REACH * sd).max(axis=2)
    nodes = 1 + int(np.ceil(((high - low) / (STEP * sd.min(axis=2))).max()))
    step = (high - low) / (nodes - 1)
    return low[:, :, None] + step[:, :, None] * np.arange(nodes), step


def _density_of_best(value: Floats, mean: Floats, sd: Floats) -> Floats:
    """Return, per arm, the density of the value while every other arm lies below."""
    scale = sd[:, :, None, :]
    z = (value[:, :, :, None] - mean[:, :, None, :]) / scale
    below = normal_cdf(z)
    density: Floats = np.exp(-0.5 * np.square(z)) / (np.sqrt(2.0 * np.pi) * scale)
    all_below = below.prod(axis=3, keepdims=True)
    others = np.divide(all_below, below, out=np.zeros_like(below), where=below > 0)
    density *= others
    return density
