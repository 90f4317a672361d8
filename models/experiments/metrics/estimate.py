"""What a kind of metric makes of the sums of an arm: a figure and how sure it is."""

from typing import NamedTuple

import numpy as np

from models.experiments.arms import Floats, Integers

SUMS = (
    "units",
    "units_with",
    "value_sum",
    "value_sum_sq",
    "per_sum",
    "per_sum_sq",
    "per_product_sum",
    "earlier_sum",
    "earlier_sum_sq",
    "earlier_product_sum",
)
"""Columns of ``marts.mart_metric_stats`` that the kinds read."""


class Histogram(NamedTuple):
    """Bins of several arms, sorted by arm and bin (``marts.mart_metric_histogram``)."""

    arm: Integers
    """Index of the arm that a bin is of."""
    bin: Integers
    units: Floats


class Sums(NamedTuple):
    """Sums over the units of each arm; the arms of one metric of a test together."""

    test: Integers
    """Index of the arm's test and metric, from 0, not decreasing, none left out."""
    units: Floats
    units_with: Floats
    value_sum: Floats
    value_sum_sq: Floats
    per_sum: Floats
    per_sum_sq: Floats
    per_product_sum: Floats
    earlier_sum: Floats
    earlier_sum_sq: Floats
    earlier_product_sum: Floats
    quantile: Floats
    histogram: Histogram

    def over_test(self, values: Floats) -> Floats:
        """Return, for every arm, the sum of ``values`` over the arms of its test."""
        total = np.bincount(self.test, weights=values)[self.test]
        return total.astype(np.float64)


class Estimate(NamedTuple):
    """One entry per arm; NaN where nothing can be said."""

    mean: Floats
    """The figure itself; cents where the measure is a value."""
    variance: Floats
    """Sampling variance of its natural logarithm."""


def covariance(product_sum: Floats, first: Floats, second: Floats, n: Floats) -> Floats:
    """Return the covariance of two figures of a unit from their sums."""
    nothing = np.full_like(n, np.nan)
    away = product_sum - np.divide(first * second, n, out=nothing.copy(), where=n > 0)
    found: Floats = np.divide(away, n - 1, out=nothing, where=n > 1)
    return found


def share(part: Floats, whole: Floats) -> Floats:
    """Return ``part / whole``, NaN where the whole is 0."""
    found: Floats = np.divide(
        part, whole, out=np.full_like(part, np.nan), where=whole != 0
    )
    return found
