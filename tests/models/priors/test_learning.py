"""The learned prior: its likelihood, what it recovers, and what it may not see."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest
from scipy.stats import multivariate_normal

from models.experiments.arms import Arms, Floats
from models.priors.learning import (
    Evidence,
    arms_of,
    evidence,
    fit,
    fit_of,
    learn,
    learn_at,
    usable,
)
from models.priors.mixture import DEFAULT_PRIOR, SCALES, Prior, normal
from tests.models.experiments import frames as tests_of
from tests.models.priors.frames import DAY, history

SPIKE = Prior((0.0, 0.08), (0.7, 0.3))
NOTHING = Prior((0.0,), (1.0,))


def contrast_law(arms: Arms, scale: float, shift: float, correlation: float) -> float:
    """Return the log density of log ratios to the control, by the full covariance."""
    others = len(arms.log_rate) - 1
    noise = np.diag(arms.variance[1:]) + arms.variance[0]
    prior = scale**2 * ((1 - correlation) * np.eye(others) + correlation)
    ratio = arms.log_rate[1:] - arms.log_rate[0]
    law = multivariate_normal(np.full(others, shift * scale), prior + noise)
    return float(law.logpdf(ratio))


@pytest.mark.parametrize("correlation", [0.1, 0.5, 0.8])
@pytest.mark.parametrize("shift", [0.0, 0.4])
def test_evidence_is_the_law_of_the_log_ratios(
    correlation: float, shift: float
) -> None:
    """Counts in the thousands, where binomial and normal law agree to .02."""
    arms = tests_of.arms([(90_000, 4_600), (80_000, 4_210), (70_000, 3_400)])
    scales = (0.02, 0.04, 0.08)
    told = evidence(arms, scales, correlation)
    by_shift = shift * (told.slope - 0.5 * shift * told.curve)
    found = (told.log_likelihood + by_shift)[0]
    laws = [contrast_law(arms, scale, shift, correlation) for scale in scales]
    np.testing.assert_allclose(found - found[0], np.array(laws) - laws[0], atol=0.02)


def test_em_reaches_the_maximum_of_the_likelihood() -> None:
    """Against the maximum over a fine grid of the one free weight and the shift."""
    past = history(400, Prior((0.0, 0.08), (0.5, 0.5), shift=0.3), arms=2)
    scales = (0.0, 0.08)
    told = evidence(arms_of(usable(past)), scales, 0.5)

    def likelihood(weight: float, shift: float) -> float:
        moved = told.log_likelihood + shift * (told.slope - 0.5 * shift * told.curve)
        mixed = np.log(np.exp(moved) @ np.array([1 - weight, weight]))
        return float(mixed.sum()) - 0.5 * (shift / 0.3) ** 2

    told = told._replace(
        log_likelihood=told.log_likelihood - told.log_likelihood[:, :1]
    )
    start = fit_of(Prior(scales, (0.5, 0.5)))
    found = fit(told, start, 1e-9)
    best = max(
        likelihood(weight, shift)
        for weight in np.linspace(0.3, 0.7, 41)
        for shift in np.linspace(-0.1, 0.7, 41)
    )
    assert likelihood(float(found.weights[1]), found.shift) >= best - 1e-3


@pytest.mark.parametrize(
    "truth",
    [
        normal(0.0, 0.05),
        normal(-0.05, 0.3),
        normal(0.03, 0.1, 0.1),
        Prior((0.0, 0.08), (0.5, 0.5), shift=0.5),
    ],
    ids=["narrow", "wide", "few share the control", "spike"],
)
def test_recovers_the_prior_that_made_the_history(truth: Prior) -> None:
    """1,500 tests; tolerances of about three standard errors of the fit."""
    found = learn(history(1_500, truth))
    assert found.tests == pytest.approx(1_500, abs=8)
    assert found.sd == pytest.approx(truth.sd, rel=0.08)
    assert found.mean == pytest.approx(truth.mean, abs=0.1 * truth.sd)
    assert found.correlation == pytest.approx(truth.correlation, abs=0.1)


def test_a_share_of_nothing_is_seen_as_mass_at_small_scales() -> None:
    """The smallest scales cannot be told from none, so they are counted together."""
    found = learn(history(3_000, SPIKE, arms=2))
    small = sum(
        weight
        for weight, scale in zip(found.weights, found.scales, strict=True)
        if scale < 0.03
    )
    assert small == pytest.approx(0.7, abs=0.1)


def test_heavy_tails_are_seen_as_mass_at_large_scales() -> None:
    """Student's t with 3 degrees of freedom has 1.1% beyond 6 times its scale."""
    rng = np.random.default_rng(3)
    scale = 0.03 / np.sqrt(rng.chisquare(3, 4_000) / 3)
    truth = Prior(tuple(scale), tuple(np.full(4_000, 1 / 4_000)))
    found = learn(history(4_000, truth, arms=2))

    def beyond(prior: Prior) -> float:
        wide = np.maximum(prior.scales, 1e-9)
        draws = rng.choice(wide, 400_000, p=prior.weights) * rng.standard_normal(
            400_000
        )
        return float((np.abs(draws) > 0.18).mean())

    assert beyond(found) == pytest.approx(beyond(truth), rel=0.5)
    assert beyond(normal(0.0, found.sd)) < 0.5 * beyond(truth)


def test_pairs_alone_leave_the_correlation_at_its_default() -> None:
    """Two arms say nothing of it, so it must not wander."""
    found = learn(history(400, normal(0.0, 0.1, 0.1), arms=2))
    assert found.correlation == DEFAULT_PRIOR.correlation
    assert found.sd == pytest.approx(0.1, rel=0.15)


def test_learns_from_few_tests_without_leaping() -> None:
    """Every test moves the prior, and none by more than its share."""
    truth = normal(0.0, 0.3)
    spread = [learn(history(number, truth)).sd for number in (1, 5, 20, 100)]
    assert all(0.03 < sd < 0.36 for sd in spread)
    assert spread[0] < spread[-1]
    assert 0.2 < spread[2] < 0.36


def test_history_without_any_effect_gives_a_narrow_prior() -> None:
    found = learn(history(1_000, NOTHING))
    assert found.sd < 0.012
    assert abs(found.mean) < 0.002


def test_later_tests_change_nothing() -> None:
    past = history(60, normal(0.0, 0.2))
    before = DAY + timedelta(hours=30)
    rewritten = past.with_columns(
        pl.when(pl.col("ended_at") >= before)
        .then(pl.col("units"))
        .otherwise(pl.col("conversions"))
        .alias("conversions")
    )
    found = learn(past, before=before)
    assert found == learn(rewritten, before=before)
    assert found.tests == 30
    assert found.before == before


def test_order_of_rows_changes_nothing() -> None:
    past = history(60, normal(0.0, 0.2))
    assert learn(past) == learn(past.sample(fraction=1, shuffle=True, seed=1))


def test_priors_are_frozen_at_the_day_before_each_start() -> None:
    past = history(60, normal(0.0, 0.2))
    starts = {
        "morning": datetime.fromisoformat("2025-03-03T06:00:00+00:00"),
        "evening": datetime.fromisoformat("2025-03-03T22:00:00+00:00"),
        "first": DAY,
    }
    found = learn_at(past, starts)
    midnight = datetime.fromisoformat("2025-03-03T00:00:00")
    assert found["morning"] == found["evening"] == learn(past, before=midnight)
    assert found["morning"].tests == 36
    assert found["morning"].was_known_at(midnight)
    assert not found["morning"].was_known_at(midnight - timedelta(seconds=1))
    assert found["first"] == DEFAULT_PRIOR
    assert DEFAULT_PRIOR.was_known_at(None)


def test_a_hundred_thousand_tests_are_one_array_operation() -> None:
    """No test is treated one by one: as many again cost no more calls."""
    arms = tests_of.arms(*[[(9_000, 450), (9_000, 460)]] * 50)
    told = evidence(arms, SCALES, 0.5)
    many = Evidence(*(np.tile(values, (200, 1)) for values in told))
    found: Floats = fit(many, fit_of(DEFAULT_PRIOR), 5.0).weights
    assert found.sum() == pytest.approx(1.0)
