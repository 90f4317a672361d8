"""A quantile of the units that have something, from a histogram of their sums.

Its standard error by Woodruff (1952): the quantile lies between those at
``p ± z √(p (1 - p) / n)``, whose distance in logarithms is ``2 z`` standard errors.
Each unit counts once, so units' independence is all that it needs.
"""

import numpy as np

from models.experiments.arms import Floats
from models.experiments.metrics.estimate import Estimate, Histogram, Sums

IS_COUNTED = False
WIDTH = np.log(1.02)
"""Of a bin, in logarithms; as ``log_bin`` of the warehouse has it."""
ALMOST_ALL = 1.0 - 1e-9
"""The greatest share looked for, so that none is looked for in the next arm."""
REACH = 1.0
"""z of Woodruff's interval. Wider ones see more of the density than is there at p."""


def estimate(sums: Sums) -> Estimate:
    """Return each arm's quantile and the variance of its logarithm."""
    histogram = sums.histogram
    counted = np.bincount(histogram.arm, histogram.units, len(sums.units))
    n = counted.astype(np.float64)
    p = sums.quantile
    noise = np.sqrt(p * (1 - p) / np.where(n > 0, n, np.nan))
    middle, low, high = (
        _at(histogram, n, p + step * noise) for step in (0.0, -REACH, REACH)
    )
    return Estimate(np.exp(middle), np.square((high - low) / (2 * REACH)))


def _at(histogram: Histogram, n: Floats, p: Floats) -> Floats:
    """Return the logarithm below which a share p of each arm's units lies.

    Within a bin the logarithms are taken to be spread evenly.
    """
    arm, units = histogram.arm, histogram.units
    if not len(arm):
        return np.full(len(n), np.nan)
    reached = np.cumsum(units)
    before = (reached - units)[np.searchsorted(arm, arm)]
    shares = arm + (reached - before) / n[arm]
    wanted = np.arange(len(n)) + np.clip(np.nan_to_num(p), 0.0, ALMOST_ALL)
    at = np.minimum(np.searchsorted(shares, wanted), len(arm) - 1)
    inside = 1.0 - (shares[at] - wanted) * n[arm[at]] / units[at]
    place = (histogram.bin[at] + inside) * WIDTH
    return np.where((n > 0) & np.isfinite(p), place, np.nan)
