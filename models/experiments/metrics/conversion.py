"""Share of units with at least one: counts, of which the likelihood is binomial."""

from models.experiments.arms import log_rates
from models.experiments.metrics.estimate import Estimate, Sums, share

IS_COUNTED = True
"""The posterior takes the binomial likelihood of ``units`` and ``units_with``."""


def estimate(sums: Sums) -> Estimate:
    """Return the share of units and the variance of its logarithm."""
    _, variance = log_rates(sums.units, sums.units_with)
    return Estimate(share(sums.units_with, sums.units), variance)
