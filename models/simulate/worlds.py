"""Worlds of effects, and tests drawn from them as daily looks at two arms.

Log rate ratios of a to f are those under which learned priors were first tried
(a: 70% of changes do nothing; b: half; c: nine of ten; d: heavy tails, all do
something; e: two effects only; f: all tiny). The others have what real sites have
besides.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from models.experiments.arms import Floats, Integers
from models.priors.mixture import SCALES, Prior, normal

DAYS = 28
BASE_RATES = (0.01, 0.20)
UNITS = (500, 20_000)
"""A day and arm; both drawn evenly on the log scale."""
VALUE_SPREAD = 1.0
"""Standard deviation of the logarithm of an order's value, in the world of revenue."""

Draw = Callable[[np.random.Generator, int], Floats]


@dataclass(frozen=True)
class World:
    """How effects are distributed, and how traffic and effects move with time."""

    name: str
    about: str
    draw: Draw
    """Draws that many true log ratios."""
    truth: Prior
    """The law of the true effects, as near as a mixture comes to it."""
    weekday: float = 0.0
    """By how much the rate swings over the week, as a share."""
    novelty: float = 0.0
    """By how much the effect is larger at first, as a share; it fades in 4 days."""
    is_revenue: bool = False
    """Whether an order's value is counted and not the order."""


class Looks(NamedTuple):
    """What is seen of each test on each day; arrays (days, tests) but the truth."""

    x: Floats
    """Log ratio of the variant to the control."""
    variance: Floats
    """Its sampling variance."""
    least: Floats
    """Conversions of the arm with the fewer."""
    units: Floats
    """Units of both arms."""
    effect: Floats
    """True log ratio, (tests,)."""


def look(world: World, tests: int, rng: np.random.Generator) -> Looks:
    """Draw tests of a world and look at them daily for four weeks."""
    return look_at(world, world.draw(rng, tests), rng)


def look_at(world: World, effect: Floats, rng: np.random.Generator) -> Looks:
    """Look at tests with these effects daily for four weeks."""
    tests = len(effect)
    rate = log_uniform(rng, BASE_RATES, tests)
    units = log_uniform(rng, UNITS, tests).astype(np.int64)
    day = np.arange(DAYS)[:, None]
    week = 1.0 + world.weekday * np.sin(2 * np.pi * (day + 0.5) / 7)
    now = effect * (1.0 + world.novelty * np.exp(-day / 4.0))
    orders = daily_orders(rate * week, units, now, rng)
    if world.is_revenue:
        seen = (units * (day + 1)).astype(np.float64)
        return _revenue(seen, orders, orders.cumsum(axis=1), effect, rng)
    return counted(orders, units, effect)


def daily_orders(
    rate: Floats, units: Integers, effect: Floats, rng: np.random.Generator
) -> Floats:
    """Draw the conversions of control and variant; (2, days, tests).

    Args:
        rate: the control's, (days, tests) or (tests,).
        units: of each arm a day, (tests,).
        effect: log ratios, (days, tests) or (tests,).
        rng: where chance comes from.
    """
    shape = (DAYS, len(units))
    rates = np.minimum(
        [rate * np.ones(shape), rate * np.exp(effect) * np.ones(shape)], 0.95
    )
    return rng.binomial(units, rates).astype(np.float64)


def counted(daily: Floats, units: Integers, effect: Floats) -> Looks:
    """Return what is seen day by day of these conversions, (2, days, tests)."""
    orders = daily.cumsum(axis=1)
    seen = np.multiply.outer(np.arange(1.0, DAYS + 1), units)
    x = np.diff(np.log(orders + 0.5), axis=0)[0]
    variance = (1.0 / (orders + 0.5) - 1.0 / (seen + 1.0)).sum(axis=0)
    return Looks(x, variance, orders.min(axis=0), 2 * seen, effect)


def log_uniform(
    rng: np.random.Generator, ends: tuple[float, float], tests: int
) -> Floats:
    """Draw that many values, evenly on the log scale."""
    low, high = np.log(ends).tolist()
    return np.exp(rng.uniform(low, high, tests))


def _revenue(
    seen: Floats,
    daily: Floats,
    orders: Floats,
    effect: Floats,
    rng: np.random.Generator,
) -> Looks:
    """Look at value per unit; a day's sum of orders is drawn by its first two moments.

    The variance is the delta method's: that of the mean over its square.
    """
    mean = np.exp(VALUE_SPREAD**2 / 2)
    square = np.exp(2 * VALUE_SPREAD**2)
    noise = rng.standard_normal(daily.shape) * np.sqrt(daily * (square - mean**2))
    total = np.maximum(daily * mean + noise, 0.05 * mean).cumsum(axis=1)
    average = total / seen
    of_mean = (orders * square / seen - np.square(average)) / seen
    x = np.diff(np.log(average), axis=0)[0]
    variance = (of_mean / np.square(average)).sum(axis=0)
    return Looks(x, variance, orders.min(axis=0), 2 * seen, effect)


def _spiked(null: float, mean: float, sd: float) -> Draw:
    def draw(rng: np.random.Generator, tests: int) -> Floats:
        effect = rng.normal(mean, sd, tests)
        return np.where(rng.random(tests) < null, 0.0, effect)

    return draw


def _heavy(rng: np.random.Generator, tests: int) -> Floats:
    return 0.03 * rng.standard_t(3, tests)


def _two_points(rng: np.random.Generator, tests: int) -> Floats:
    sign: Floats = rng.choice([-1.0, 0.0, 1.0], tests, p=[0.1, 0.8, 0.1])
    return 0.05 * sign


SITES = 25


def _of_sites(rng: np.random.Generator, tests: int) -> Floats:
    """Draw effects of sites that differ in how often and how much changes do."""
    null = rng.beta(4, 2, SITES)
    sd = 0.05 * np.exp(0.7 * rng.standard_normal(SITES))
    site = rng.integers(0, SITES, tests)
    effect = sd[site] * rng.standard_normal(tests)
    return np.where(rng.random(tests) < null[site], 0.0, effect)


def _as_prior(draw: Draw) -> Prior:
    """Return the symmetric mixture of scales nearest to a law, by its quantiles.

    The EM of ``learning`` on a sample seen without noise but for a hundredth.
    """
    effect = draw(np.random.default_rng(20_261_124), 20_000)
    variance = np.square(np.array(SCALES)) + 1e-6
    density = np.exp(-0.5 * np.square(effect[:, None]) / variance) / np.sqrt(variance)
    weights = np.full(len(SCALES), 1.0 / len(SCALES))
    for _ in range(300):
        weights = weights * ((1.0 / (density @ weights)) @ density) / len(effect)
    return Prior(SCALES, tuple((weights / weights.sum()).tolist()))


def _spike(null: float, sd: float, shift: float = 0.0) -> Prior:
    return Prior((0.0, sd), (null, 1.0 - null), shift)


WORLDS: tuple[World, ...] = (
    World("a", "70% nothing, 30% N(0, 8%)", _spiked(0.7, 0, 0.08), _spike(0.7, 0.08)),
    World("b", "50% nothing, 50% N(0, 8%)", _spiked(0.5, 0, 0.08), _spike(0.5, 0.08)),
    World("c", "90% nothing, 10% N(0, 8%)", _spiked(0.9, 0, 0.08), _spike(0.9, 0.08)),
    World("d", "Student's t, 3 degrees, 3%", _heavy, _as_prior(_heavy)),
    World("e", "80% nothing, ±5%", _two_points, _as_prior(_two_points)),
    World("f", "N(0, 1%)", _spiked(0.0, 0, 0.01), normal(0.0, 0.01)),
    World("sites", "sites that differ", _of_sites, _as_prior(_of_sites)),
    World(
        "season", "a, rates ±40% a week", _spiked(0.7, 0, 0.08), _spike(0.7, 0.08), 0.4
    ),
    World(
        "drift",
        "a, effects half again at first",
        _spiked(0.7, 0, 0.08),
        _spike(0.7, 0.08),
        novelty=0.5,
    ),
    World(
        "mean",
        "50% nothing, 50% N(2%, 6%)",
        _spiked(0.5, 0.02, 0.06),
        _spike(0.5, 0.06, 1 / 3),
    ),
    World(
        "revenue",
        "a, value per visitor",
        _spiked(0.7, 0, 0.08),
        _spike(0.7, 0.08),
        is_revenue=True,
    ),
)
