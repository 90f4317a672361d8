"""Evidence that a variant beats its control, valid whenever one looks."""

import numpy as np

from models.experiments.arms import Floats
from models.experiments.special import log_normal_cdf

GREATEST_LOG = 700.0
"""e-values are cut at exp(700), so that they stay finite numbers."""


def one_sided(
    log_ratio: Floats, variance: Floats, scales: Floats, weights: Floats, shift: Floats
) -> Floats:
    """Return the e-value against "the variant is no better than its control".

    The likelihood ratio of the prior without its spike, cut to effects above 0,
    against 0. At each scale τ with mean μ = shift τ it is
    ``N(x; μ, s² + τ²) / N(x; 0, s²) · Φ(m/√v) / Φ(μ/τ)``, with m and v the posterior
    of the uncut law; the scales above 0 are mixed with their prior weights. As the
    counts grow each is a supermartingale for every effect of 0 or less, and so is
    their mixture, provided the prior was fixed before the first count: it exceeds 20
    in at most 5% of tests without a gain however often it is read (Ville's
    inequality).

    Args:
        log_ratio: the observed log rate ratio x.
        variance: its sampling variance s².
        scales: of the prior, (ratios, scales).
        weights: of the scales; those of scale 0 are not used.
        shift: mean of the prior in units of its scale.

    Returns:
        One e-value per ratio; 1 where the prior has no scale above 0.
    """
    is_used = (scales > 0) & (weights > 0)
    scale = np.where(is_used, scales, 1.0)
    total = np.where(is_used, weights, 0.0).sum(axis=1, keepdims=True)
    share = np.divide(weights, total, out=np.zeros_like(weights), where=total > 0)
    told = _log_ratio(log_ratio[:, None], variance[:, None], scale, shift[:, None])
    log_part = np.where(is_used, told + np.log(np.where(is_used, share, 1.0)), -np.inf)
    most = np.maximum(log_part.max(axis=1, keepdims=True), -GREATEST_LOG)
    log_e = most[:, 0] + np.log(
        np.maximum(np.exp(log_part - most).sum(axis=1), np.exp(-GREATEST_LOG))
    )
    e = np.exp(np.clip(log_e, -GREATEST_LOG, GREATEST_LOG))
    return np.where(total[:, 0] > 0, e, 1.0)


def _log_ratio(x: Floats, variance: Floats, scale: Floats, shift: Floats) -> Floats:
    """Return the log likelihood ratio of one scale, cut to effects above 0."""
    mean, scale_square = shift * scale, np.square(scale)
    total = variance + scale_square
    center = (scale_square * x + variance * mean) / total
    spread = np.sqrt(scale_square * variance / total)
    log_density = -0.5 * (np.log(total) + np.square(x - mean) / total)
    log_null = -0.5 * (np.log(variance) + np.square(x) / variance)
    log_cut = log_normal_cdf(center / spread) - log_normal_cdf(shift)
    ratio: Floats = log_density - log_null + log_cut
    return ratio


def two_sided(
    difference: Floats, variance: Floats, scales: Floats, weights: Floats
) -> Floats:
    """Return the e-value against "the difference is nought", whichever way it points.

    The mean of the two one-sided ones under a prior that is centred at nought: each is
    a martingale for a difference of nought, and so is their mean.

    Args:
        difference: as observed.
        variance: its sampling variance.
        scales: of the prior, one for all: (scales,).
        weights: of the scales; those of scale 0 are not used.
    """
    shape = (len(difference), len(scales))
    prior = (
        np.broadcast_to(scales, shape),
        np.broadcast_to(weights, shape),
        np.zeros(len(difference)),
    )
    up, down = (one_sided(sign * difference, variance, *prior) for sign in (1.0, -1.0))
    e: Floats = 0.5 * (up + down)
    return e
