"""The arms of many tests as flat arrays: log rates and their sampling variances."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


class Arms(NamedTuple):
    """One entry per arm; the arms of one test stand together, its control first."""

    test: Integers
    """Index of the arm's test, from 0, not decreasing, none left out."""
    is_control: Flags
    units: Floats
    conversions: Floats
    log_rate: Floats
    """Natural logarithm of the conversion rate, corrected for small counts."""
    variance: Floats
    """Sampling variance of ``log_rate``."""
    is_counted: Flags
    """Whether the likelihood is binomial; else it is normal, of these two alone."""

    @property
    def tests(self) -> int:
        """Return how many tests the arms belong to."""
        return int(self.test[-1]) + 1 if len(self.test) else 0

    def sums(self, values: Floats) -> Floats:
        """Return the sum of ``values`` over the arms of each test.

        ``values`` has one entry, or one row, per arm.
        """
        starts = np.flatnonzero(np.diff(self.test, prepend=-1))
        total: Floats = np.add.reduceat(values, starts, axis=0)
        return total

    def of_control(self, values: Floats) -> Floats:
        """Return, for every arm, the value or row that its test's control has."""
        return values[self.is_control][self.test]

    def part(self, first: int, last: int) -> "Arms":
        """Return the arms of the tests from ``first`` to before ``last``."""
        low, high = np.searchsorted(self.test, [first, last])
        cut = self._cut(slice(low, high))
        return cut._replace(test=cut.test - first)

    def only(self, tests: Flags) -> "Arms":
        """Return the arms of the tests that ``tests`` names, one flag a test."""
        number = np.cumsum(tests, dtype=np.int64) - 1
        cut = self._cut(tests[self.test])
        return cut._replace(test=number[cut.test])

    def _cut(self, rows: Flags | slice) -> "Arms":
        return Arms(
            self.test[rows],
            self.is_control[rows],
            self.units[rows],
            self.conversions[rows],
            self.log_rate[rows],
            self.variance[rows],
            self.is_counted[rows],
        )


def build(
    test: Integers, is_control: Flags, units: Floats, conversions: Floats
) -> Arms:
    """Return the arms of tests with the counts ``units`` and ``conversions``."""
    log_rate, variance = log_rates(units, conversions)
    is_counted = np.ones(len(test), dtype=np.bool_)
    return Arms(test, is_control, units, conversions, log_rate, variance, is_counted)


def log_means(mean: Floats, variance: Floats) -> Floats:
    """Return the logarithm of a mean without its bias of order 1/units.

    A logarithm is concave, so that of a noisy mean lies too low by half its variance.
    """
    corrected: Floats = np.log(mean) + variance / 2
    return corrected


def log_rates(units: Floats, conversions: Floats) -> tuple[Floats, Floats]:
    """Return the log conversion rates and their sampling variances.

    Half a conversion is added (Walter 1975), which removes the bias of order
    1/conversions and keeps an arm without conversions finite. The variance has
    ``units + 1``, so that it stays positive where every unit converted. Good from
    about 5 conversions; the policy waits for 25.
    """
    log_rate = np.log(conversions + 0.5) - np.log(units + 0.5)
    variance = 1.0 / (conversions + 0.5) - 1.0 / (units + 1.0)
    return log_rate, variance
