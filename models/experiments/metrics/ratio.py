"""A sum over another sum, such as value per order: the units vary, so both do.

The delta method (Deng, Knoblich & Lu 2018): units are independent, what they divide by
is not, and the variance of ``ln(Σy / Σd)`` is that of ``y / mean(y) - d / mean(d)``
over n.
"""

import numpy as np

from models.experiments.metrics.estimate import Estimate, Sums, covariance, share

IS_COUNTED = False


def estimate(sums: Sums) -> Estimate:
    """Return the ratio of the sums and the variance of its logarithm."""
    n, y, d = sums.units, sums.value_sum, sums.per_sum
    mean_y, mean_d = share(y, n), share(d, n)
    spread = (
        share(covariance(sums.value_sum_sq, y, y, n), np.square(mean_y))
        + share(covariance(sums.per_sum_sq, d, d, n), np.square(mean_d))
        - 2.0 * share(covariance(sums.per_product_sum, y, d, n), mean_y * mean_d)
    )
    return Estimate(share(y, d), share(np.maximum(spread, 0.0), n))
