"""The posterior of each scale against integrals of the binomial likelihood."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest

from models.experiments.arms import Floats
from models.experiments.posterior import PriorValues, deviations, update
from tests.models.experiments import frames

Counts = Sequence[tuple[float, float]]
LEVELS, NODES, REACH = 401, 201, 7.0


def values(mean: float, sd: float, correlation: float) -> PriorValues:
    """Return the prior of one test at one scale."""
    return PriorValues(*(np.array([[each]]) for each in (mean, sd, correlation)))


def integrated(counts: Counts, prior: PriorValues) -> tuple[float, Floats, Floats]:
    """Return log evidence, means and variances of the deviations, by brute force.

    Sums over a fine grid of levels, and for each of deviations, of the binomial
    likelihood itself; converges faster than any power of the step.
    """
    arms = frames.arms(counts)
    center, variance = deviations(arms.is_control, *(v[0, 0] for v in prior))
    conversions = arms.conversions.sum() + 0.5
    middle = np.log(conversions / arms.units.sum())
    reach = REACH * np.sqrt(1 / conversions + variance.max())
    level = np.linspace(middle - reach, middle + reach, LEVELS)
    log_total = np.zeros(LEVELS)
    moments = []
    for units, seen, mean, square in zip(
        arms.units, arms.conversions, center, variance, strict=True
    ):
        around = np.linspace(-REACH, REACH, NODES) if square else np.zeros(1)
        away = mean + np.sqrt(square) * around
        log_rate = np.minimum(level[:, None] + away, -1e-9)
        log_p = seen * log_rate + (units - seen) * np.log1p(-np.exp(log_rate))
        log_p = log_p - 0.5 * np.square(around)
        most = log_p.max(axis=1, keepdims=True)
        weight = np.exp(log_p - most)
        total = weight.sum(axis=1)
        log_total += most[:, 0] + np.log(total / np.exp(-0.5 * around**2).sum())
        mean_at = (weight @ away) / total
        moments.append((mean_at, (weight @ np.square(away)) / total))
    share = np.exp(log_total - log_total.max())
    evidence = log_total.max() + np.log(share.sum() * (level[1] - level[0]))
    share /= share.sum()
    first = np.array([share @ mean_at for mean_at, _ in moments])
    means = np.array([mean_at for mean_at, _ in moments])
    inner = np.array([square for _, square in moments]) - np.square(means)
    between = (means * share) @ means.T - np.outer(first, first)
    return float(evidence), first, between + np.diag(inner @ share)


def effects(mean: Floats, cover: Floats) -> tuple[Floats, Floats]:
    """Return means and standard deviations of the log ratios to the control."""
    contrast: Floats = np.eye(len(mean)) - np.eye(len(mean))[0]
    center: Floats = contrast @ mean
    return center, np.sqrt(np.diag(contrast @ cover @ contrast.T))


MANY = [(4_000, 200), (3_500, 210), (900, 30), (4_100, 260)]
DOZEN = [(900, 11), (950, 17), (870, 9), (900, 26)]
FEW = [(300, 3), (280, 7)]
HIGH = [(300, 150), (280, 160), (310, 140)]


@pytest.mark.parametrize("sd", [0.03, 0.2])
@pytest.mark.parametrize(
    ("counts", "tolerance"),
    [(MANY, 0.02), (DOZEN, 0.05), (FEW, 0.05), (HIGH, 0.03)],
    ids=["many", "a dozen", "few", "high rates"],
)
def test_agrees_with_the_binomial_integral(
    counts: Counts, tolerance: float, sd: float
) -> None:
    """In units of the exact posterior's standard deviation; Laplace's method with the
    skewness corrected has errors of order 1/conversions.
    """
    prior = values(0.02, sd, 0.4)
    _, mean, cover = integrated(counts, prior)
    exact, exact_sd = effects(mean, cover)
    found = update(frames.arms(counts), prior)
    away = (found.effect[1:, 0] - exact[1:]) / exact_sd[1:]
    np.testing.assert_allclose(away, 0.0, atol=tolerance)
    np.testing.assert_allclose(found.effect_sd[1:, 0], exact_sd[1:], rtol=tolerance)


@pytest.mark.parametrize("counts", [MANY, DOZEN, FEW, HIGH])
def test_evidence_of_scales_agrees_with_the_binomial_integral(counts: Counts) -> None:
    """What decides between scales is the ratio of their evidences: to 10%."""
    scales = (0.0, 0.02, 0.1, 0.3)
    exact = [integrated(counts, values(0.0, sd, 0.5))[0] for sd in scales]
    priors = [update(frames.arms(counts), values(0.0, sd, 0.5)) for sd in scales]
    found = [prior.log_evidence[0, 0] for prior in priors]
    for (one, other), (told, again) in zip(
        pairwise(exact), pairwise(found), strict=True
    ):
        assert again - told == pytest.approx(other - one, abs=0.1)


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.8])
def test_two_arms_give_the_textbook_posterior_of_their_difference(
    correlation: float,
) -> None:
    """With two arms only their difference counts, so the correlation must not.

    Ten thousand conversions, where the log ratio is normal to 1e-4.
    """
    arms = frames.arms([(100_000, 10_000), (120_000, 12_600)])
    found = update(arms, values(0.01, 0.02, correlation))
    x = arms.log_rate[1] - arms.log_rate[0]
    s2 = arms.variance.sum()
    weight = 0.0004 / (0.0004 + s2)
    assert found.effect[1, 0] == pytest.approx(0.01 + weight * (x - 0.01), abs=1e-4)
    assert found.effect_sd[1, 0] == pytest.approx(np.sqrt(weight * s2), rel=0.01)
    assert (found.effect[0, 0], found.effect_sd[0, 0]) == (0.0, 0.0)


def test_lucky_arms_do_not_pull_the_level_up() -> None:
    """An arm's own count tells its variance only if it was neither lucky nor not.

    The exact level of ten arms with one lucky one lies below what own counts weigh.
    """
    counts = [(1_000, 10)] * 9 + [(1_000, 30)]
    prior = values(0.0, 0.3, 0.5)
    _, mean, _ = integrated(counts, prior)
    found = update(frames.arms(counts), prior).effect[:, 0]
    assert found[9] == pytest.approx(mean[9] - mean[0], rel=0.02)


def test_a_flat_prior_leaves_the_data_as_they_are() -> None:
    arms = frames.arms([(1_000, 50), (1_200, 80), (900, 60)])
    found = update(arms, values(0.0, 10.0, 0.5))
    raw = np.log(np.array([1.0, (80 / 1_200) / 0.05, (60 / 900) / 0.05]))
    skew = -0.5 * (1 / arms.conversions - 1 / arms.conversions[0])
    np.testing.assert_allclose(found.effect[:, 0], raw + skew, atol=1e-3)


def test_no_scale_means_no_difference() -> None:
    found = update(frames.arms([(1_000, 50), (1_200, 80)]), values(0.0, 0.0, 0.5))
    assert found.effect.tolist() == [[0.0], [0.0]]
    assert found.effect_sd.tolist() == [[0.0], [0.0]]


def test_a_lucky_control_is_seen_through_by_the_other_arms() -> None:
    """One low control lifts every variant; more arms make that plain."""
    prior = values(0.0, 0.1, 0.5)
    two = update(frames.arms([(1_000, 80), (1_000, 100)]), prior)
    many = update(frames.arms([(1_000, 80), *[(1_000, 100)] * 5]), prior)
    assert many.effect[1, 0] < two.effect[1, 0]


@pytest.mark.parametrize("counts", [[(40, 0), (40, 0)], [(40, 40), (40, 39)]])
def test_extreme_counts_stay_finite(counts: Counts) -> None:
    for sd in (0.0, 0.05, 10.0):
        found = update(frames.arms(counts), values(0.0, sd, 0.5))
        assert all(np.isfinite(each).all() for each in found)
