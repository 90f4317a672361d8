"""Each kind's figure and its error, beside gbstats, NumPy and the bootstrap."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from gbstats.bayesian.tests import EffectBayesianABTest, EffectBayesianConfig
from gbstats.models.statistics import (
    RatioStatistic,
    RegressionAdjustedStatistic,
    SampleMeanStatistic,
    compute_theta,
)

from models.experiments.metrics.figures import figures
from tests.models.experiments.metrics.units import (
    STATS,
    Units,
    arm,
    bins,
    histogram,
    metric,
    metrics,
    sums,
)

N = 4_000
Z = 1.6448536269514722
CONFIG = EffectBayesianConfig(difference_type="relative", alpha=0.1)


def baskets(rng: np.random.Generator, lift: float = 1.0) -> Units:
    """Return revenue in cents, orders, and revenue before, which goes with it."""
    taste = rng.gamma(2.0, 1.0, N)
    orders = rng.poisson(0.2 * taste)
    value = np.round(lift * orders * rng.lognormal(8, 0.5, N))
    earlier = np.round(rng.poisson(0.6 * taste) * rng.lognormal(8, 0.5, N))
    return Units(value, orders.astype(float), earlier)


@pytest.fixture(scope="module")
def pair() -> tuple[Units, Units]:
    rng = np.random.default_rng(3)
    return baskets(rng), baskets(rng, 1.15)


def found(pair: tuple[Units, ...], **fields: Any) -> pl.DataFrame:
    return figures(
        metrics(metric(**fields)),
        STATS,
        pl.DataFrame(sums(pair)),
        bins(histogram(pair)),
    )


def lift_and_sd(table: pl.DataFrame) -> tuple[float, float]:
    """Return the relative difference, and its standard error by the delta method."""
    a, b = table["figure"]
    return b / a - 1.0, (b / a) * float(np.sqrt(table["log_variance"].to_numpy().sum()))


def theirs(a: Any, b: Any) -> tuple[float, float]:
    result = EffectBayesianABTest(a, b, CONFIG).compute_result()
    return result.expected, (result.ci[1] - result.ci[0]) / (2 * Z)


def mean_of(values: np.ndarray) -> SampleMeanStatistic:
    return SampleMeanStatistic(
        n=len(values), sum=float(values.sum()), sum_squares=float((values**2).sum())
    )


def test_a_mean_is_gbstats(pair: tuple[Units, Units]) -> None:
    plain = tuple(arm(units.value) for units in pair)
    ours = lift_and_sd(found(plain))
    np.testing.assert_allclose(ours, theirs(*(mean_of(u.value) for u in pair)), 1e-6)


def test_a_ratio_is_gbstats(pair: tuple[Units, Units]) -> None:
    statistics = [
        RatioStatistic(
            n=N,
            m_statistic=mean_of(u.value),
            d_statistic=mean_of(u.per),
            m_d_sum_of_products=float((u.value * u.per).sum()),
        )
        for u in pair
    ]
    ours = lift_and_sd(found(pair, kind="ratio"))
    np.testing.assert_allclose(ours, theirs(*statistics), 1e-6)


def test_an_adjusted_mean_is_gbstats(pair: tuple[Units, Units]) -> None:
    """Theirs pools θ over all units, ours within arms; they divide by the raw mean."""
    statistics = [
        RegressionAdjustedStatistic(
            n=N,
            post_statistic=mean_of(u.value),
            pre_statistic=mean_of(u.earlier),
            post_pre_sum_of_products=float((u.value * u.earlier).sum()),
            theta=0,
        )
        for u in pair
    ]
    theta = compute_theta(*statistics)
    for statistic in statistics:
        statistic.theta = theta
    lift, sd = lift_and_sd(found(pair))
    their_lift, their_sd = theirs(*statistics)
    assert lift == pytest.approx(their_lift, abs=0.05 * sd)
    assert sd == pytest.approx(their_sd, rel=0.02)


def test_what_units_did_before_makes_the_mean_surer(pair: tuple[Units, Units]) -> None:
    plain = found(tuple(arm(units.value) for units in pair))
    adjusted = found(pair)
    share = (adjusted["log_variance"] / plain["log_variance"]).to_list()
    correlations = [np.corrcoef(u.value, u.earlier)[0, 1] for u in pair]
    expected = [1 - r**2 for r in correlations]
    np.testing.assert_allclose(share, expected, rtol=0.05)


def test_ninety_per_cent_intervals_of_an_adjusted_mean_hold_nine_in_ten() -> None:
    """400 pairs without an effect: 90% ± 4.5 at three standard errors."""
    rng = np.random.default_rng(4)
    tests = [(baskets(rng), baskets(rng)) for _ in range(400)]
    rows = [r for i, p in enumerate(tests) for r in sums(p, f"t{i:03}")]
    declared = metrics(*(metric(f"t{i:03}") for i in range(400)))
    table = figures(declared, STATS, pl.DataFrame(rows), bins())
    logs = table["log_figure"].to_numpy().reshape(-1, 2)
    variance = table["log_variance"].to_numpy().reshape(-1, 2).sum(axis=1)
    z = (logs[:, 1] - logs[:, 0]) / np.sqrt(variance)
    assert np.mean(np.abs(z) < Z) == pytest.approx(0.90, abs=0.045)


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.9])
def test_a_quantile_is_numpys_within_a_bin(quantile: float) -> None:
    rng = np.random.default_rng(6)
    pair = tuple(arm(rng.lognormal(7, s, 5_000)) for s in (0.6, 1.4))
    table = found(pair, kind="quantile", quantile=quantile)
    expected = [np.quantile(u.value, quantile) for u in pair]
    np.testing.assert_allclose(table["figure"], expected, rtol=0.02)


@pytest.mark.parametrize("quantile", [0.25, 0.5, 0.9])
def test_the_error_of_a_quantile_is_that_of_repeated_samples(quantile: float) -> None:
    """Mean variance over 300 samples against theirs: ± 15%, the error of the latter."""
    rng = np.random.default_rng(7)
    tests = [(arm(rng.lognormal(7, 1, 800)),) * 2 for _ in range(300)]
    rows = [r for i, p in enumerate(tests) for r in sums(p, f"t{i:03}")]
    table = figures(
        metrics(
            *(
                metric(f"t{i:03}", kind="quantile", quantile=quantile)
                for i in range(300)
            )
        ),
        STATS,
        pl.DataFrame(rows),
        bins([r for i, p in enumerate(tests) for r in histogram(p, f"t{i:03}")]),
    ).filter(pl.col("variation_index") == 0)
    seen = np.var(np.log(table["figure"].to_numpy()))
    assert table["log_variance"].mean() == pytest.approx(seen, rel=0.25)


def test_shares_are_counted_and_finite_without_any() -> None:
    pair = (arm(np.zeros(500)), arm(np.repeat([0.0, 1.0], [480, 20])))
    for kind in ("conversion", "retention"):
        table = found(pair, kind=kind)
        assert table["figure"].to_list() == [0.0, 0.04]
        assert table["is_counted"].all()
        assert table["log_figure"].is_finite().all()
