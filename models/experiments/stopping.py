"""When more data is worth waiting for: backward induction over a learned prior.

A test of two arms is looked at daily. Shipping the variant on day t is worth its
expected lift, less what the change costs, over the rest of the horizon; leaving the
control is worth nothing; waiting is worth what the better of the two will be worth
tomorrow, less what a day costs. Solved from the last day backwards, this says for each
day from which expected lift on to ship, and up to which to stop: the policy that is
best on average among all, if the prior is right (Bellman; Berry & Ho 1988).
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from scipy.optimize import brentq

from models.experiments.arms import Floats
from models.experiments.mixing import shares

NODES, WEIGHTS = hermegauss(9)
NODE_WEIGHTS = WEIGHTS / WEIGHTS.sum()
LOOKS = 28
"""Looks over the longest time a test may run, evenly spaced."""
INFORMATION = np.geomspace(1.0, 1e7, 12)
"""Information a day (1 over the variance of the log ratio) at which the boundaries are
solved; between them they are interpolated. 2 conversions a day give 1."""
POINTS = 161
"""Values of z at each look, close around 0 and wider outwards, as the sinh of evenly
spaced numbers."""
REACH_SD, REACH_SCALES = 8.0, 4.5
"""The grid of z holds this many standard errors and this many of the widest scale:
fixed ends would clamp the effects of large sites."""
SLOT_COSTS = (1e-6, 1e-2)
"""A slot's day is worth no less and no more, as a relative lift over the horizon."""
LEAST_WEIGHT = 1e-4
"""Scales that are less probable are left out of the induction."""


class Terms(NamedTuple):
    """What deciding is worth, in units of relative lift over the whole horizon."""

    cost_of_change: float
    """What a change costs over its life, as a relative lift."""
    cost_of_day: float
    """What a day of testing costs."""
    longest_days: float
    """On this day at the latest a test is decided."""
    horizon_days: float
    """How long a shipped change brings what it brings, from the test's start."""


class Law(NamedTuple):
    """The prior of an effect, as tuples so that solutions can be kept."""

    scales: tuple[float, ...]
    weights: tuple[float, ...]
    shift: float


class Boundaries(NamedTuple):
    """From which expected lift to ship, and up to which to stop."""

    days: Floats
    """Of the looks."""
    ship: Floats
    """(levels of information, looks)."""
    stop: Floats
    """(levels of information, looks)."""
    worth: Floats
    """What the test is worth before it begins, at each level of information."""

    def at(self, days: Floats, information: Floats) -> tuple[Floats, Floats]:
        """Return both boundaries for tests of these ages and total information.

        A test younger than its first look is taken to be as old as that: what it has
        seen is then thought to be a whole day's, and so its boundary is that of a
        smaller site, which ships sooner. From the last look on both boundaries are
        the cost of the change.
        """
        age = np.clip(days, self.days[0], self.days[-1])
        level = np.interp(
            np.log(np.maximum(information / age, 1e-300)),
            np.log(INFORMATION),
            np.arange(len(INFORMATION), dtype=float),
        )
        look = (age - self.days[0]) / (self.days[1] - self.days[0])
        return _bilinear(self.ship, level, look), _bilinear(self.stop, level, look)


@lru_cache(maxsize=512)
def solve(law: Law, terms: Terms) -> Boundaries:
    """Return the boundaries that are best on average under a prior."""
    problem = _Problem(*_merged(law), law.shift, terms)
    days: Floats = np.linspace(0.0, terms.longest_days, LOOKS + 1)[1:]
    shape = (len(INFORMATION), LOOKS)
    ship, stop = np.empty(shape), np.empty(shape)
    state = _state(problem, days[-1])
    waiting = np.full(state.lift.shape, -np.inf)
    for look in reversed(range(LOOKS)):
        now = _worth_of(problem, state.lift, days[look])
        ship[:, look], stop[:, look] = _crossings(state.lift, now, waiting, terms)
        ahead, value = state, np.maximum(np.maximum(waiting, now), 0.0)
        surplus = value - now
        if look:
            state = _state(problem, days[look - 1])
            waiting = _waiting(problem, state, ahead, (value, surplus), days[look])
    worth = _worth(problem, ahead, (value, surplus), float(days[0]))
    return Boundaries(days, ship, stop, worth)


def slot_worth(law: Law, terms: Terms, information: Floats, set_up: float) -> float:
    """Return what a day of a slot is worth when tests wait for it.

    It is the cost of a day at which beginning another test is just worth the days that
    its set-up takes: so a test gives way as soon as the next one would bring more
    (renewal reward). To be used as ``cost_of_day``.

    Args:
        law: the prior of effects.
        terms: what deciding is worth; their cost of a day is not used.
        information: of each of the tests that wait, a day.
        set_up: days for which a slot is taken before a test's first visitor.
    """

    def surplus(log_cost: float) -> float:
        cost = float(np.exp(log_cost))
        worth = solve(law, terms._replace(cost_of_day=cost)).worth
        level = np.log(np.maximum(information, 1e-300))
        mean = float(np.interp(level, np.log(INFORMATION), worth).mean())
        return mean - cost * set_up

    low, high = (float(np.log(cost)) for cost in SLOT_COSTS)
    if surplus(low) <= 0:
        return SLOT_COSTS[0]
    if surplus(high) >= 0:
        return SLOT_COSTS[1]
    return float(np.exp(brentq(surplus, low, high, xtol=0.03)))


class _Problem(NamedTuple):
    scales: Floats
    weights: Floats
    shift: float
    terms: Terms


class _State(NamedTuple):
    """What is believed at each z of the grid on one day."""

    information: Floats
    """(levels, 1, 1)."""
    stretch: Floats
    """The grid is sinh(stretch u), u from -1 to 1; (levels, 1, 1)."""
    x: Floats
    """(levels, points, 1)."""
    share: Floats
    """(levels, points, scales), as mean and variance."""
    mean: Floats
    variance: Floats
    lift: Floats
    """(levels, points)."""


def _merged(law: Law) -> tuple[Floats, Floats]:
    """Return the scales of each octave as one of the same variance.

    A solution then takes half the time, and its worth moves by less than 1%.
    """
    scales, weights = np.array(law.scales), np.array(law.weights)
    is_some = scales > 0
    least = scales[is_some].min(initial=1.0)
    octave = np.floor(np.log2(np.where(is_some, scales / least, 0.25)) + 1e-9)
    number = np.unique(octave, return_inverse=True)[1]
    total = np.bincount(number, weights=weights)
    square = np.bincount(number, weights=weights * np.square(scales))
    kept = total > LEAST_WEIGHT
    return np.sqrt(square[kept] / total[kept]), total[kept] / total[kept].sum()


def _state(problem: _Problem, day: float) -> _State:
    information = (INFORMATION * day)[:, None, None]
    variance = 1.0 / information
    widest = REACH_SCALES * (1.0 + abs(problem.shift)) * problem.scales.max()
    stretch = np.arcsinh(REACH_SD + widest * np.sqrt(information))
    grid = np.linspace(-1.0, 1.0, POINTS)[None, :, None]
    x = np.sinh(stretch * grid) * np.sqrt(variance)
    prior_mean, square = problem.shift * problem.scales, np.square(problem.scales)
    total = variance + square
    log_evidence = -0.5 * (np.log(total) + np.square(x - prior_mean) / total)
    levels, points, count = log_evidence.shape
    share = shares(log_evidence.reshape(-1, count), problem.weights)
    share = share.reshape(levels, points, count)
    shrink = square / total
    mean = shrink * x + (1.0 - shrink) * prior_mean
    spread = shrink * variance
    lift = (share * np.expm1(mean + spread / 2)).sum(axis=2)
    return _State(information, stretch, x, share, mean, spread, lift)


def _worth_of(problem: _Problem, lift: Floats, day: float) -> Floats:
    left = 1.0 - day / problem.terms.horizon_days
    worth: Floats = (lift - problem.terms.cost_of_change) * left
    return worth


def _waiting(
    problem: _Problem,
    state: _State,
    ahead: _State,
    values: tuple[Floats, Floats],
    day: float,
) -> Floats:
    """Return what waiting for the look on ``day`` is worth.

    It is the expected value of the best choice then. Or, as the expected lift does not
    change by waiting: what shipping then is worth, and the expected surplus of the best
    choice over it. The first is 0 where one would stop, the second where one would
    ship. Both are convex, so interpolating overstates each where it is curved, and the
    smaller of the two is nearer.
    """
    part = 1.0 - state.information / ahead.information
    noise = 1.0 / (ahead.information - state.information)
    center = (1.0 - part) * state.x + part * state.mean
    spread = part * np.sqrt(state.variance + noise)
    value, surplus = (
        (state.share * _expected(ahead, each, center, spread)).sum(axis=2)
        for each in values
    )
    by_shipping = _worth_of(problem, state.lift, day) + surplus
    step = problem.terms.longest_days / LOOKS
    waiting: Floats = np.minimum(value, by_shipping) - problem.terms.cost_of_day * step
    return waiting


def _expected(ahead: _State, values: Floats, center: Floats, spread: Floats) -> Floats:
    """Return the expectation of ``values`` where the next x is N(center, spread²)."""
    total = np.zeros(np.broadcast_shapes(center.shape, spread.shape))
    root = np.sqrt(ahead.information)
    level = np.arange(len(values))[:, None, None]
    for node, weight in zip(NODES, NODE_WEIGHTS, strict=True):
        u = np.arcsinh((center + node * spread) * root) / ahead.stretch
        at = np.clip((u + 1.0) * (POINTS - 1) / 2, 0.0, POINTS - 1.001)
        low = at.astype(np.int64)
        first = values[level, low]
        total += weight * (first + (at - low) * (values[level, low + 1] - first))
    return total


def _crossings(
    lift: Floats, now: Floats, waiting: Floats, terms: Terms
) -> tuple[Floats, Floats]:
    """Return the lifts at which shipping, and stopping, begin to be best."""
    cost = np.full(len(lift), terms.cost_of_change)
    is_open = (waiting > np.maximum(now, 0.0)).any(axis=1)
    if not is_open.any():
        return cost, cost
    ship = _lift_at_sign_change(lift, now - waiting, last=True)
    stop = _lift_at_sign_change(lift, waiting, last=False)
    return np.where(is_open, ship, cost), np.where(is_open, stop, cost)


def _lift_at_sign_change(lift: Floats, values: Floats, *, last: bool) -> Floats:
    """Return the lift where ``values`` turn positive for the last, or first, time."""
    rows = np.arange(len(lift))
    if last:
        low = POINTS - 1 - (values[:, ::-1] <= 0).argmax(axis=1)
    else:
        low = (values > 0).argmax(axis=1) - 1
    low = np.clip(low, 0, POINTS - 2)
    below, above = values[rows, low], values[rows, low + 1]
    rise = np.where(above > below, above - below, 1.0)
    part = np.clip(-below / rise, 0.0, 1.0)
    found: Floats = lift[rows, low] + part * (lift[rows, low + 1] - lift[rows, low])
    return found


def _worth(
    problem: _Problem, ahead: _State, values: tuple[Floats, Floats], day: float
) -> Floats:
    """Return what a test is worth before its first look, under the prior."""
    mean, square = problem.shift * problem.scales, np.square(problem.scales)
    spread = np.sqrt(1.0 / ahead.information + square)
    value, surplus = (
        (problem.weights * _expected(ahead, each, mean, spread)).sum(axis=2)[:, 0]
        for each in values
    )
    lift = float(problem.weights @ np.expm1(mean + square / 2))
    step = problem.terms.longest_days / LOOKS
    by_shipping = _worth_of(problem, np.array(lift), day) + surplus
    worth: Floats = np.minimum(value, by_shipping) - problem.terms.cost_of_day * step
    return worth


def _bilinear(values: Floats, row: Floats, column: Floats) -> Floats:
    top = np.minimum(row.astype(np.int64), values.shape[0] - 2)
    left = np.minimum(column.astype(np.int64), values.shape[1] - 2)
    down, right = row - top, column - left
    upper = values[top, left] + right * (values[top, left + 1] - values[top, left])
    lower = values[top + 1, left] + right * (
        values[top + 1, left + 1] - values[top + 1, left]
    )
    found: Floats = upper + down * (lower - upper)
    return found
