"""Learning a prior from finished tests (empirical Bayes), closed form and vectorised.

The weights of the scales maximise the marginal likelihood of all finished tests, each
with its arms taken jointly, plus pseudo-tests drawn from the parent prior (EM). There
is no number of tests below which the parent stands and above which it does not: the
pseudo-tests blend. Fitting without them is unsafe below a hundred tests. The widest
group's parent is the default, bent to what the tests say of two numbers
(``parent.bent``).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
import polars as pl
from scipy.optimize import minimize_scalar

from models.experiments.arms import Arms, Floats, build
from models.experiments.posterior import PriorValues, deviations, update
from models.priors.history import naive_utc, screen
from models.priors.mixture import DEFAULT_PRIOR, Prior
from models.priors.parent import bent

PSEUDO_TESTS = 10.0
"""How many tests the parent counts for against the learned prior (Dirichlet
pseudo-counts). Of 5 to 50 the values and lifts told after 20 and 100 tests hardly
depend on it, once the parent is bent; none is unsafe. 1 to 50."""
SHIFT_SD = 0.3
"""How far a group's mean effect may lie from its parent's, in units of the scale, as a
rule: changes help somewhat more often than they harm, or less, not nearly always."""
CORRELATION_SPREAD = 0.25
"""How far the correlation may lie from the default's 0.5, as a rule."""
CORRELATION_RANGE = (0.02, 0.95)
CORRELATION_TESTS = 400
"""Tests of three arms and more from which the correlation is fitted, evenly spaced in
time: it is then known to about 0.03, and pairs say nothing of it."""
ROUNDS = 20
ITERATIONS_A_ROUND = 10
"""Steps of the EM on the weights between two steps on the shift: 200 in all, after
which the log likelihood moves by less than 1e-4 a test."""


class Evidence(NamedTuple):
    """What finished tests say of each scale; arrays (tests, scales).

    ``log_likelihood + slope shift - curve shift² / 2`` is the log marginal likelihood
    of a test at a scale and a shift, up to a constant of the test.
    """

    log_likelihood: Floats
    slope: Floats
    curve: Floats


class Fit(NamedTuple):
    """What is learned: the weights of the scales, and the shift."""

    weights: Floats
    shift: float


def learn(
    past: pl.DataFrame,
    *,
    before: datetime | None = None,
    default: Prior = DEFAULT_PRIOR,
) -> Prior:
    """Learn one prior from all usable finished tests.

    Args:
        past: rows of ``marts.mart_past_experiment_stats``; ``screen`` says which
            of its tests are used.
        before: use only tests that ended earlier.
        default: what to believe without tests.
    """
    used = usable(past, before=before)
    arms = arms_of(used)
    if not arms.tests:
        return default
    correlation = fit_correlation(arms, default)
    told = evidence(arms, default.scales, correlation)
    found = fit(told, parent_of(told, default), PSEUDO_TESTS)
    return Prior(
        default.scales,
        tuple(found.weights.tolist()),
        found.shift,
        correlation,
        arms.tests,
        naive_utc(before),
    )


def learn_at(
    past: pl.DataFrame,
    starts: Mapping[str, datetime],
    *,
    default: Prior = DEFAULT_PRIOR,
) -> dict[str, Prior]:
    """Return the prior of each test, frozen as of the day on which it starts.

    The cut-off is midnight UTC before the start, so that tests starting on one day
    share one fit and no test sees a result later than itself.
    """
    days = {test: midnight(start) for test, start in starts.items()}
    fits = {day: learn(past, before=day, default=default) for day in set(days.values())}
    return {test: fits[day] for test, day in days.items()}


def midnight(moment: datetime) -> datetime:
    """Return the beginning of the moment's day, naive UTC."""
    naive = naive_utc(moment)
    return naive - timedelta(
        hours=naive.hour,
        minutes=naive.minute,
        seconds=naive.second,
        microseconds=naive.microsecond,
    )


def usable(past: pl.DataFrame, *, before: datetime | None = None) -> pl.DataFrame:
    """Return the rows of the tests that may teach, oldest first, control first."""
    key = ["site_id", "experiment_id"]
    used = screen(past, before=before).filter(pl.col("reason").is_null())
    return past.join(used.select(key), on=key, how="semi").sort(
        "ended_at", *key, "variation_index"
    )


def arms_of(used: pl.DataFrame) -> Arms:
    """Return the arms of past tests whose rows stand together, control first."""
    test = used.select(pl.struct("site_id", "experiment_id").rle_id()).to_series()
    return build(
        test.cast(pl.Int64).to_numpy(),
        (used["variation_index"] == 0).to_numpy(),
        used["units"].cast(pl.Float64).to_numpy(),
        used["conversions"].cast(pl.Float64).to_numpy(),
    )


def evidence(arms: Arms, scales: tuple[float, ...], correlation: float) -> Evidence:
    """Return what each finished test says of each scale."""
    shape = (arms.tests, len(scales))
    values = PriorValues(
        np.zeros(shape), np.broadcast_to(scales, shape), np.full(shape, correlation)
    )
    log_likelihood = update(arms, values).log_evidence
    return Evidence(log_likelihood, *_of_shift(arms, values))


def fit_correlation(arms: Arms, default: Prior = DEFAULT_PRIOR) -> float:
    """Return the correlation of two log ratios of one test that explains most.

    Tests of two arms say nothing of it; where there is no other, the default's stands.
    """
    sizes = np.bincount(arms.test, minlength=arms.tests)
    many = np.flatnonzero(sizes > 2)
    if not len(many):
        return default.correlation
    number = min(CORRELATION_TESTS, len(many))
    chosen = np.zeros(arms.tests, dtype=np.bool_)
    chosen[many[np.linspace(0, len(many) - 1, number).astype(np.int64)]] = True
    some = arms.only(chosen)

    def cost(correlation: float) -> float:
        told = evidence(some, default.scales, correlation)
        weights = fit(told, fit_of(default), PSEUDO_TESTS, rounds=2).weights
        pull = (correlation - default.correlation) / CORRELATION_SPREAD
        return 0.5 * pull**2 - float(_log_sum(told.log_likelihood, weights).sum())

    found = minimize_scalar(
        cost, bounds=CORRELATION_RANGE, method="bounded", options={"xatol": 0.01}
    )
    return float(found.x)


def parent_of(told: Evidence, default: Prior) -> Fit:
    """Return what the widest group of tests is drawn to."""
    relative = _relative(_shifted(told, default.shift))
    weights = bent(relative, default.scales, np.array(default.weights))
    return Fit(weights, default.shift)


def fit_of(prior: Prior) -> Fit:
    """Return the part of a prior that is learned by groups."""
    return Fit(np.array(prior.weights), prior.shift)


def fit(
    told: Evidence, parent: Fit, pseudo_tests: float, *, rounds: int = ROUNDS
) -> Fit:
    """Fit weights and shift to the tests of a group, drawn to its parent.

    Args:
        told: what each test of the group says.
        parent: what the group is drawn to.
        pseudo_tests: for how many tests the parent counts.
        rounds: of the EM, with ``ITERATIONS_A_ROUND`` steps each.
    """
    weights, shift = parent
    count = len(told.slope) + pseudo_tests
    for _ in range(rounds):
        relative = np.asfortranarray(_relative(_shifted(told, shift)))
        for _ in range(ITERATIONS_A_ROUND):
            share = weights * ((1.0 / (relative @ weights)) @ relative)
            weights = (share + pseudo_tests * parent.weights) / count
        shift = _shift(told, relative * weights, parent.shift)
    return Fit(weights, shift)


def _shift(told: Evidence, joint: Floats, parent: float) -> float:
    """Return the shift that the tests and the parent agree on best (M-step)."""
    share = joint / joint.sum(axis=1, keepdims=True)
    slope, curve = float((share * told.slope).sum()), float((share * told.curve).sum())
    belief = 1.0 / SHIFT_SD**2
    return (slope + belief * parent) / (curve + belief)


def _relative(log_likelihood: Floats) -> Floats:
    """Return the likelihoods of the scales, each test's largest 1."""
    most = log_likelihood.max(axis=1, keepdims=True)
    relative: Floats = np.exp(log_likelihood - most)
    return relative


def _shifted(told: Evidence, shift: float) -> Floats:
    total: Floats = told.log_likelihood + shift * (
        told.slope - 0.5 * shift * told.curve
    )
    return total


def _log_sum(log_likelihood: Floats, weights: Floats) -> Floats:
    most = log_likelihood.max(axis=1, keepdims=True)
    total = np.log((np.exp(log_likelihood - most) * weights).sum(axis=1))
    summed: Floats = total + most[:, 0]
    return summed


def _of_shift(arms: Arms, prior: PriorValues) -> tuple[Floats, Floats]:
    """Return slope and curvature of the log likelihood in the shift, at shift 0."""
    sd = prior.sd[arms.test]
    _, variance = deviations(arms.is_control, sd, sd, prior.correlation[arms.test])
    precision = 1.0 / (variance + arms.variance[:, None])
    moved = np.where(arms.is_control[:, None], 0.0, sd)
    total = arms.sums(precision)
    mean = arms.sums(precision * moved) / total
    contrast = precision * (moved - mean[arms.test])
    slope = arms.sums(contrast * arms.log_rate[:, None])
    return slope, arms.sums(contrast * moved)
