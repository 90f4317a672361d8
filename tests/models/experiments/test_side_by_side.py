"""The same counts to gbstats, the engine of GrowthBook, with a flat prior on both."""

import numpy as np
import polars as pl
import pytest
from gbstats.bayesian.tests import EffectBayesianABTest, EffectBayesianConfig
from gbstats.models.statistics import ProportionStatistic

from models.experiments.analysis import analyze
from models.priors.mixture import FLAT_PRIOR
from tests.models.experiments import frames

TESTS = 50


@pytest.fixture(scope="module")
def both() -> pl.DataFrame:
    """Return our figures and gbstats' of tests of two variants, 10,000 units each."""
    rng = np.random.default_rng(8)
    lift = np.exp(rng.normal(0, 0.1, (2, TESTS)) * [[0.0], [1.0]])
    counts = rng.binomial(10_000, 0.05 * lift)
    table = frames.stats(
        {
            f"t{number:02}": [(10_000, int(a)), (10_000, int(b))]
            for number, (a, b) in enumerate(zip(*counts, strict=True))
        }
    )
    ours = analyze(table, frames.weights(table), FLAT_PRIOR)
    config = EffectBayesianConfig(difference_type="relative", alpha=0.1)
    theirs = [
        EffectBayesianABTest(
            ProportionStatistic(n=10_000, sum=int(a)),
            ProportionStatistic(n=10_000, sum=int(b)),
            config,
        ).compute_result()
        for a, b in zip(*counts, strict=True)
    ]
    return ours.filter(~pl.col("is_control")).with_columns(
        pl.Series("their_lift", [each.expected for each in theirs]),
        pl.Series("their_chance", [each.chance_to_win for each in theirs]),
        pl.Series("their_low", [each.ci[0] for each in theirs]),
        pl.Series("their_high", [each.ci[1] for each in theirs]),
    )


def test_the_lift_as_counted_is_the_same(both: pl.DataFrame) -> None:
    np.testing.assert_allclose(both["raw_lift"], both["their_lift"], rtol=1e-9)


def test_chances_to_win_agree(both: pl.DataFrame) -> None:
    """gbstats takes the ratio for normal, we its logarithm: they differ by skewness."""
    np.testing.assert_allclose(both["chance_to_win"], both["their_chance"], atol=0.01)


def test_intervals_agree(both: pl.DataFrame) -> None:
    """To one point of lift, where they are 20 points wide."""
    np.testing.assert_allclose(both["lift_low"], both["their_low"], atol=0.011)
    np.testing.assert_allclose(both["lift_high"], both["their_high"], atol=0.011)
