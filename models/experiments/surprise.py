"""Whether a lift is too good to be true, by what lifts have been before."""

import numpy as np

from models.experiments.arms import Floats
from models.experiments.special import normal_cdf

SUSPICIOUS = 0.001
"""A lift this unlikely under the prior is flagged: a broken count is then likelier than
a change so good (Twyman's law). One sound variant in a thousand is flagged at a look,
if the prior is right. Range 0.0001 to 0.01."""


def tail(
    log_ratio: Floats, variance: Floats, scales: Floats, weights: Floats, shift: Floats
) -> Floats:
    """Return the chance of a log ratio at least as large before the data came.

    At scale τ a log ratio that is seen with variance s² is N(shift τ, τ² + s²) by the
    prior; the scales are mixed with their weights (the prior predictive law).

    Args:
        log_ratio: the observed log rate ratio.
        variance: its sampling variance s².
        scales: of the prior, (ratios, scales).
        weights: of the scales.
        shift: mean of the prior in units of its scale.
    """
    sd = np.sqrt(np.square(scales) + variance[:, None])
    away = log_ratio[:, None] - shift[:, None] * scales
    chance: Floats = (weights * normal_cdf(-away / sd)).sum(axis=1)
    return chance
