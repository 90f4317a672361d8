"""Whether traffic was split as planned (sample-ratio mismatch)."""

from dataclasses import dataclass

import numpy as np

from code24.errors import Code24Error
from models.experiments.arms import Flags, Floats, Integers
from models.experiments.special import chi_square_tail, log_gamma

LEAST_EXPECTED_UNITS = 5.0
"""Below this in any arm the chi-square distribution does not hold: no p is given."""


CONCENTRATION = 1_000.0
"""Of the Dirichlet law of the shares if the split is broken: they then lie within some
1.6 points of an even plan. Larger finds small faults sooner, large ones later. Range
100 to 100,000."""
GREATEST_LOG = 700.0
"""e-values are cut at exp(700), so that they stay finite numbers."""


class SampleRatioError(Code24Error):
    """A sample-ratio rule has a level that cannot be used."""


@dataclass(frozen=True, slots=True)
class SampleRatioRule:
    """When a split is doubted, and when it is called broken."""

    warning: float = 0.01
    """Below this p no winner is named. One sound test in a hundred is held at any
    one look; a split this odd with a real cause (a redirect that loses visitors, bots
    in one arm) biases every rate. Range 0.001 to 0.05."""
    alarm: float = 0.001
    """Below this p, and beyond ``alarm_deviation``, the split is broken. 0.0001 to
    ``warning``."""
    alarm_deviation: float = 0.001
    """The least difference between a planned and a seen share for an alarm: with
    millions of units a harmless one is already significant. Range 0 to 0.01."""

    def __post_init__(self) -> None:
        """Reject levels that are no probabilities or out of order."""
        if not 0 < self.alarm <= self.warning < 1:
            raise SampleRatioError(
                f"sample ratio levels warning={self.warning}, alarm={self.alarm}: "
                "must be 0 < alarm <= warning < 1"
            )


def check(
    test: Integers, units: Floats, weight: Floats, tests: int
) -> tuple[Floats, Floats]:
    """Test each test's split against its planned weights.

    Args:
        test: index of each arm's test.
        units: units of each arm.
        weight: planned share of each arm; they sum to 1 in a test.
        tests: how many tests there are.

    Returns:
        Per test: the p value (NaN where an arm expects fewer than 5 units) and the
        largest difference between a seen and a planned share.
    """
    total = np.bincount(test, weights=units, minlength=tests)
    expected = total[test] * weight
    parts = np.square(units - expected) / expected
    statistic = np.bincount(test, weights=parts, minlength=tests).astype(np.float64)
    p = chi_square_tail(statistic, np.bincount(test, minlength=tests) - 1)
    p[_has_few(test, expected, tests)] = np.nan
    return p, _largest(test, np.abs(units / total[test] - weight), tests)


def e_value(test: Integers, units: Floats, weight: Floats, tests: int) -> Floats:
    """Return the evidence against each test's planned split, valid at every look.

    The likelihood ratio of shares with a Dirichlet law around the plan against the plan
    itself, unit by unit a martingale where the plan holds: so it reaches 1/α in at most
    a share α of sound tests, however often it is read (Lindon & Malek 2022).

    Args:
        test: index of each arm's test.
        units: units of each arm.
        weight: planned share of each arm; they sum to 1 in a test.
        tests: how many tests there are.
    """
    prior = CONCENTRATION * weight
    own = log_gamma(prior + units) - log_gamma(prior) - units * np.log(weight)
    total = np.bincount(test, weights=units, minlength=tests).astype(np.float64)
    whole = log_gamma(np.full(tests, CONCENTRATION)) - log_gamma(CONCENTRATION + total)
    log_e = np.bincount(test, weights=own, minlength=tests) + whole
    return np.exp(np.clip(log_e, -GREATEST_LOG, GREATEST_LOG))


def _has_few(test: Integers, expected: Floats, tests: int) -> Flags:
    few = np.bincount(test, weights=expected < LEAST_EXPECTED_UNITS, minlength=tests)
    return few > 0


def _largest(test: Integers, values: Floats, tests: int) -> Floats:
    largest = np.zeros(tests)
    np.maximum.at(largest, test, values)
    return largest
