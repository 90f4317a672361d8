"""The sample-ratio check against SciPy's, and its price."""

import numpy as np
import pytest
from scipy import stats
from scipy.stats import chisquare

from models.experiments import sample_ratio
from models.experiments.sample_ratio import SampleRatioError, SampleRatioRule

TWO = np.array([0, 0])


def test_equals_the_chi_square_test() -> None:
    units = np.array([4_900.0, 5_130, 2_000, 1_000, 1_100])
    weight = np.array([0.5, 0.5, 0.5, 0.25, 0.25])
    test = np.array([0, 0, 1, 1, 1])
    p, deviation = sample_ratio.check(test, units, weight, 2)
    first = chisquare([4_900, 5_130], [5_015, 5_015]).pvalue
    second = chisquare([2_000, 1_000, 1_100], [2_050, 1_025, 1_025]).pvalue
    np.testing.assert_allclose(p, [first, second], rtol=1e-12)
    assert deviation[0] == pytest.approx(5_130 / 10_030 - 0.5)


def test_gives_no_p_where_an_arm_expects_few_units() -> None:
    p, _ = sample_ratio.check(TWO, np.array([9.0, 0.0]), np.array([0.9, 0.1]), 1)
    assert np.isnan(p[0])


def test_holds_one_sound_test_in_a_hundred() -> None:
    """The price of the warning level: 1% of sound splits, within four sd."""
    rng = np.random.default_rng(11)
    tests = 20_000
    first = rng.binomial(10_000, 0.5, size=tests).astype(float)
    units = np.stack([first, 10_000 - first], axis=1).ravel()
    test = np.repeat(np.arange(tests), 2)
    p, _ = sample_ratio.check(test, units, np.full(2 * tests, 0.5), tests)
    held = float((p < SampleRatioRule().warning).mean())
    assert held == pytest.approx(0.01, abs=4 * np.sqrt(0.01 / tests))


@pytest.mark.parametrize(("warning", "alarm"), [(0.01, 0.02), (0.01, 0.0), (1.5, 0.01)])
def test_refuses_levels_out_of_order(warning: float, alarm: float) -> None:
    with pytest.raises(SampleRatioError, match=f"warning={warning}, alarm={alarm}"):
        SampleRatioRule(warning=warning, alarm=alarm)


def test_the_e_value_is_a_ratio_of_likelihoods() -> None:
    """Against the Dirichlet-multinomial law of SciPy, of two tests at once."""
    units = np.array([480.0, 520.0, 300.0, 310.0, 390.0])
    weight = np.array([0.5, 0.5, 0.3, 0.3, 0.4])
    test = np.array([0, 0, 1, 1, 1])
    found = sample_ratio.e_value(test, units, weight, 2)
    for number in range(2):
        n, w = units[test == number].astype(int), weight[test == number]
        broken = stats.dirichlet_multinomial.logpmf(n, 1_000 * w, n.sum())
        sound = stats.multinomial.logpmf(n, n.sum(), w)
        assert np.log(found[number]) == pytest.approx(broken - sound, rel=1e-6)


def test_a_sound_split_read_at_every_look_is_rarely_called_broken() -> None:
    """4,000 sound splits at 50 looks: at most 5% ever reach 20, a broken one does."""
    rng = np.random.default_rng(3)
    ever = np.zeros(4_000, dtype=bool)
    test, weight = np.repeat(np.arange(4_000), 2), np.tile([0.7, 0.3], 4_000)
    units = np.zeros((4_000, 2))
    for _ in range(50):
        first = rng.binomial(200, 0.7, 4_000)
        units += np.stack([first, 200 - first], axis=1)
        ever |= sample_ratio.e_value(test, units.ravel(), weight, 4_000) >= 20
    assert ever.mean() <= 0.05
    broken = np.array([7_300.0, 2_700.0])
    assert sample_ratio.e_value(test[:2], broken, weight[:2], 1)[0] > 1_000
