"""Log rates against the binomial law itself."""

import numpy as np
import pytest
from scipy.stats import binom

from models.experiments.arms import log_rates
from tests.models.experiments import frames


@pytest.mark.parametrize(("units", "rate"), [(500, 0.05), (3_000, 0.01), (200, 0.5)])
def test_log_rates_are_nearly_unbiased_and_know_their_variance(
    units: int, rate: float
) -> None:
    """Exact moments, summed over the binomial law; errors of order conversions⁻²."""
    conversions = np.arange(units + 1.0)
    chance = binom.pmf(conversions, units, rate)
    log_rate, variance = log_rates(np.full(units + 1, float(units)), conversions)
    mean = float(chance @ log_rate)
    spread = float(chance @ np.square(log_rate - mean))
    expected = units * rate
    assert mean == pytest.approx(np.log(rate), abs=1 / expected**2)
    assert float(chance @ variance) == pytest.approx(spread, rel=3 / expected)


@pytest.mark.parametrize("conversions", [0.0, 40.0])
def test_no_arm_has_an_infinite_log_rate_or_no_variance(conversions: float) -> None:
    log_rate, variance = log_rates(np.array([40.0]), np.array([conversions]))
    assert np.isfinite(log_rate).all()
    assert (variance > 0).all()


def test_sums_and_controls_are_taken_test_by_test() -> None:
    arms = frames.arms([(100, 10), (100, 20), (100, 30)], [(50, 5), (60, 6)])
    assert arms.tests == 2
    assert arms.sums(np.array([1.0, 2, 3, 10, 20])).tolist() == [6, 30]
    assert arms.of_control(np.array([7.0, 0, 0, 9, 0])).tolist() == [7, 7, 7, 9, 9]
