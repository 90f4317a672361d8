"""Evidence that a variant beats its control, valid whenever one looks."""

import numpy as np

from models.experiments.arms import Floats
from models.experiments.special import log_normal_cdf

GREATEST_LOG = 700.0
"""e-values are cut at exp(700), so that they stay finite numbers."""


def one_sided(
    log_ratio: Floats, variance: Floats, mean: Floats | float, sd: Floats | float
) -> Floats:
    """Return the e-value against "the variant is no better than its control".

    The likelihood ratio of a normal prior cut to effects above 0, against 0:
    ``N(x; mean, s² + sd²) / N(x; 0, s²) · Φ(m/√v) / Φ(mean/sd)``, with m and v the
    posterior of the uncut prior; with mean 0 the last quotient is 2Φ(m/√v). As the
    counts grow it is a supermartingale for every effect of 0 or less, provided the
    prior was fixed before the first count, so it exceeds 20 in at most 5% of tests
    without a gain however often it is read (Ville's inequality).

    Args:
        log_ratio: the observed log rate ratio x.
        variance: its sampling variance s².
        mean: mean of the prior.
        sd: standard deviation of the prior.
    """
    sd_square = np.square(sd)
    total = variance + sd_square
    center = (sd_square * log_ratio + variance * mean) / total
    spread = np.sqrt(sd_square * variance / total)
    log_density = -0.5 * (np.log(total) + np.square(log_ratio - mean) / total)
    log_null = -0.5 * (np.log(variance) + np.square(log_ratio) / variance)
    log_cut = log_normal_cdf(center / spread) - log_normal_cdf(np.asarray(mean) / sd)
    e: Floats = np.exp(np.minimum(log_density - log_null + log_cut, GREATEST_LOG))
    return e
