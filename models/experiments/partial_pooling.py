"""Effects of the segments of a test, drawn to one another as much as the data allow.

The segments of a test have effects θ_k ~ N(μ, τ²) around the test's own μ, whose prior
is that of effects; each is seen with a sampling error. Both τ and the scale of μ are
mixed over grids, so all posteriors are sums of closed forms.
"""

from typing import NamedTuple

import numpy as np

from models.experiments import scales
from models.experiments.arms import Floats, Integers
from models.experiments.mixing import MixedPrior, shares

CHUNK_GROUPS = 1_024
"""Groups at a time: bounds the memory at some 10 MB an array."""


class Seen(NamedTuple):
    """Segments as counted, those of one group together; one entry per segment."""

    group: Integers
    """Index of the segment's group, from 0, not decreasing, none left out."""
    value: Floats
    """Observed log ratio."""
    variance: Floats
    """Its sampling variance."""

    def sums(self, values: Floats) -> Floats:
        """Return the sums of rows of ``values`` over each group."""
        starts = np.flatnonzero(np.diff(self.group, prepend=-1))
        total: Floats = np.add.reduceat(values, starts, axis=0)
        return total

    def part(self, first: int, last: int) -> "Seen":
        """Return the segments of the groups from ``first`` to before ``last``."""
        low, high = np.searchsorted(self.group, [first, last])
        cut = slice(low, high)
        return Seen(self.group[cut] - first, self.value[cut], self.variance[cut])


class Centers(NamedTuple):
    """What is known of each group's μ at each τ; arrays (groups, scales)."""

    mean: Floats
    variance: Floats
    log_evidence: Floats
    """Log marginal likelihood of the group, up to a constant of the group."""


class Pooled(NamedTuple):
    """Posterior of each segment at each τ; arrays (segments, scales)."""

    effect: Floats
    effect_sd: Floats
    difference: Floats
    """Mean of the effect less the test's."""
    share: Floats
    """Chance of each τ in the segment's group."""


def centers(seen: Seen, prior: MixedPrior) -> Centers:
    """Return what the segments say of each group's μ, for each τ of ``scales.SCALES``.

    Args:
        seen: the segments.
        prior: on μ, one row a group.
    """
    groups = len(prior.scales)
    parts = [
        _centers(seen.part(at, at + CHUNK_GROUPS), prior, slice(at, at + CHUNK_GROUPS))
        for at in range(0, groups, CHUNK_GROUPS)
    ]
    return Centers(*(np.concatenate(found) for found in zip(*parts, strict=True)))


def _centers(seen: Seen, prior: MixedPrior, rows: slice) -> Centers:
    precision = 1.0 / (seen.variance[:, None] + np.square(scales.SCALES))
    value = seen.value[:, None]
    total, first, square, logs = (
        seen.sums(values)[:, :, None]
        for values in (
            precision,
            precision * value,
            precision * np.square(value),
            np.log(precision),
        )
    )
    scale = prior.scales[rows, None, :]
    mean, variance = scale * prior.shift[rows, None, None], np.square(scale)
    away, widened = first - mean * total, 1.0 + variance * total
    misfit = square - 2.0 * mean * first + np.square(mean) * total
    explained = np.square(away) * variance / widened
    evidence = 0.5 * (logs - misfit + explained - np.log(widened))
    return _mixed(
        mean + variance * away / widened,
        variance / widened,
        evidence,
        prior.weights[rows, None, :],
    )


def _mixed(
    mean: Floats, variance: Floats, log_evidence: Floats, weights: Floats
) -> Centers:
    """Put the scales of μ together, each by its chance; mean and variance are kept."""
    most = log_evidence.max(axis=2, keepdims=True)
    joint = np.exp(log_evidence - most) * weights
    total = joint.sum(axis=2, keepdims=True)
    share = joint / total
    center = (share * mean).sum(axis=2)
    square = (share * (variance + np.square(mean))).sum(axis=2)
    found = (most + np.log(total))[:, :, 0]
    return Centers(center, np.maximum(square - np.square(center), 0.0), found)


def pool(seen: Seen, found: Centers, chances: Floats) -> Pooled:
    """Return each segment's posterior.

    Args:
        seen: the segments.
        found: what is known of their groups.
        chances: of each τ before the group's data, (groups, scales).
    """
    share = shares(found.log_evidence, chances)[seen.group]
    spread = np.square(scales.SCALES)
    own = spread / (spread + seen.variance[:, None])
    center, variance = found.mean[seen.group], found.variance[seen.group]
    away = own * (seen.value[:, None] - center)
    noise = own * seen.variance[:, None] + np.square(1.0 - own) * variance
    return Pooled(center + away, np.sqrt(noise), away, share)
