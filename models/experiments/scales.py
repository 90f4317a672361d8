"""How large differences of one kind are: chances of some sizes, learned from many.

Effects differ between segments, fade, or depend on another test by some amount, which
is nought in most tests. As with the prior on effects, its size has a chance for each of
some scales; the chances are learned from all tests and ten pseudo-tests of the default.
"""

import numpy as np

from models.experiments.arms import Floats
from models.priors.mixture import DEFAULT_NULL, DEFAULT_PRIOR

SCALES: Floats = np.array(DEFAULT_PRIOR.scales[::2])
"""Nought, then .7% to 45% by factors of 2: as differences of log ratios. Coarser than
the prior on effects, as differences of effects are known less well than effects."""
PSEUDO = 10.0
"""The default counts as so many tests: as it does for effects (record 0092)."""
ROUNDS = 50
"""Of the search for the chances; they then move by less than a thousandth."""


def _default() -> Floats:
    weights = np.array(DEFAULT_PRIOR.weights[::2])
    weights[0] = 0.0
    weights *= (1.0 - DEFAULT_NULL) / weights.sum()
    weights[0] = DEFAULT_NULL
    return weights


DEFAULT: Floats = _default()
"""Chance of each scale before any test is seen: that of effects themselves."""


def learn(log_evidence: Floats, weight: Floats) -> Floats:
    """Return the chance of each scale, which explains all tests best (EM).

    Args:
        log_evidence: log marginal likelihood of each test at each scale, up to a
            constant of the test; (tests, scales).
        weight: how much each test counts; below 1 where several share their data.
    """
    evidence = np.exp(log_evidence - log_evidence.max(axis=1, keepdims=True))
    chances = DEFAULT
    for _ in range(ROUNDS):
        joint = evidence * chances
        told = weight @ (joint / joint.sum(axis=1, keepdims=True))
        chances = (told + PSEUDO * DEFAULT) / (weight.sum() + PSEUDO)
    return chances
