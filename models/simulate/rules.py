"""Rules that end a test of two arms: the platform's, and those of other tools.

A rule takes daily looks and says when each test ends, whether the variant is shipped,
whether its win is claimed, and what lift is told. Other tools' rules are written from
their published descriptions.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from models.experiments import e_value
from models.experiments.arms import Flags, Floats, Integers
from models.experiments.mixing import SMALLEST_EFFECT, shares
from models.experiments.policy import DEFAULT_POLICY, Policy
from models.experiments.special import normal_cdf
from models.experiments.stopping import Law, solve
from models.priors.mixture import Prior
from models.simulate.worlds import DAYS, Looks

LEAST_CONVERSIONS = 25
FLAT_SURE = 0.95


class Outcome(NamedTuple):
    """What a rule did to each test; arrays (tests,)."""

    day: Integers
    """The look at which it ended, from 0."""
    is_shipped: Flags
    is_claimed: Flags
    lift: Floats
    """The lift told at the end."""
    pit: Floats
    """Chance that the analysis gave to effects below the true one, at the end; an
    effect of exactly 0 is placed at random within the chance given to it."""


class Belief(NamedTuple):
    """What the platform's analysis says at each look; arrays (days, tests)."""

    lift: Floats
    chance_to_win: Floats
    e: Floats
    pit: Floats


def learned(
    looks: Looks,
    prior: Prior,
    rng: np.random.Generator,
    policy: Policy = DEFAULT_POLICY,
) -> Outcome:
    """Apply the platform's own policy: boundaries by value, claims by evidence."""
    belief = believe(looks, prior, rng)
    law = Law(prior.scales, prior.weights, prior.shift)
    solved = solve(law, policy.terms())
    days = np.repeat(np.arange(1.0, DAYS + 1)[:, None], looks.x.shape[1], axis=1)
    ship_from, stop_up_to = solved.at(days, 1.0 / looks.variance)
    is_enough = looks.least >= LEAST_CONVERSIONS
    is_ship = is_enough & (belief.lift >= ship_from)
    is_stop = is_enough & (belief.lift <= stop_up_to)
    is_claim = is_enough & is_claimed(belief, policy)
    day, is_shipped = _ended(is_ship, is_stop)
    told, pit = _at(belief.lift, day), _at(belief.pit, day)
    so_far = np.logical_or.accumulate(is_claim, axis=0)
    return Outcome(day, is_shipped, _at(so_far, day), told, pit)


def is_claimed(belief: Belief, policy: Policy = DEFAULT_POLICY) -> Flags:
    """Say at which looks a win is claimed as proven."""
    is_evident: Flags = belief.e >= policy.least_e_value
    return is_evident & (belief.chance_to_win >= policy.least_chance_to_win)


def believe(looks: Looks, prior: Prior, rng: np.random.Generator) -> Belief:
    """Analyse every look, by the parts of which the analysis of two arms is made."""
    x, variance = looks.x.reshape(-1, 1), looks.variance.reshape(-1, 1)
    scales, weights = np.array([prior.scales]), np.array(prior.weights)
    mean, square = prior.shift * scales, np.square(scales)
    total = variance + square
    log_evidence = -0.5 * (np.log(total) + np.square(x - mean) / total)
    share = shares(log_evidence, weights)
    shrink = square / total
    center, spread = shrink * x + (1.0 - shrink) * mean, shrink * variance
    sd = np.sqrt(np.maximum(spread, 1e-30))
    above = share * (scales >= SMALLEST_EFFECT) * normal_cdf(center / sd)
    e = e_value.one_sided(
        x[:, 0],
        variance[:, 0],
        np.broadcast_to(scales, share.shape),
        np.broadcast_to(weights, share.shape),
        np.full(len(x), prior.shift),
    )
    lift = (share * np.expm1(center + spread / 2)).sum(axis=1)
    effect = np.broadcast_to(looks.effect, looks.x.shape).reshape(-1, 1)
    below = np.where(
        scales > 0,
        normal_cdf((effect - center) / sd),
        np.where(effect == 0, rng.random(effect.shape), effect > 0),
    )
    values = (lift, above.sum(axis=1), e, (share * below).sum(axis=1))
    return Belief(*(each.reshape(looks.x.shape) for each in values))


def fixed(looks: Looks) -> Outcome:
    """Look once, at the end: p < .05, two-sided."""
    z = looks.x / np.sqrt(looks.variance)
    is_ship = np.zeros(z.shape, dtype=np.bool_)
    is_ship[-1] = z[-1] > 1.96
    return _raw(looks, is_ship, np.zeros_like(is_ship))


def uniform(looks: Looks) -> Outcome:
    """Share visitors evenly for four weeks, then ship what counted more."""
    is_ship = np.zeros(looks.x.shape, dtype=np.bool_)
    is_ship[-1] = looks.x[-1] > 0
    return _raw(looks, is_ship, np.zeros_like(is_ship))


def chance_to_win(looks: Looks) -> Outcome:
    """Stop when a flat prior's chance to win leaves 5% to 95%, at any look."""
    sure = _flat_chance(looks)
    return _raw(looks, sure > FLAT_SURE, sure < 1 - FLAT_SURE)


def vwo(looks: Looks) -> Outcome:
    """VWO: chance 95%, expected loss below .75% of the rate, 25 conversions, a week."""
    sd, sure = np.sqrt(looks.variance), _flat_chance(looks)
    density = np.exp(-0.5 * np.square(looks.x / sd)) / np.sqrt(2 * np.pi)
    loss = sd * density - looks.x * (1 - sure)
    gain = sd * density + looks.x * sure
    is_old = np.arange(DAYS)[:, None] >= 6
    is_enough = is_old & (looks.least >= 25) & (looks.units >= 3_000)
    return _raw(
        looks,
        is_enough & (sure > FLAT_SURE) & (loss < 0.0075),
        is_enough & (sure < 1 - FLAT_SURE) & (gain < 0.0075),
    )


def msprt(looks: Looks, tau: float = 0.1) -> Outcome:
    """Mixture sequential probability ratio test with a normal of 10%."""
    total = looks.variance + tau**2
    log_e = 0.5 * np.log(looks.variance / total) + 0.5 * np.square(looks.x) * (
        1 / looks.variance - 1 / total
    )
    is_sure = log_e >= np.log(20)
    return _raw(looks, is_sure & (looks.x > 0), is_sure & (looks.x < 0))


def confidence_sequence(looks: Looks, tuned_for: float = 5_000.0) -> Outcome:
    """Asymptotic confidence sequence (Waudby-Smith et al.), tuned for 5,000 units."""
    alpha = 0.05
    square = (-2 * np.log(alpha) + np.log(-2 * np.log(alpha) + 1)) / tuned_for
    grown = looks.units * square
    width = np.sqrt(
        looks.variance * 2 * (grown + 1) / grown * np.log(np.sqrt(grown + 1) / alpha)
    )
    return _raw(looks, looks.x > width, looks.x < -width)


def growthbook(looks: Looks, target: float = 0.05) -> Outcome:
    """GrowthBook's decision framework: clear signals from day 3, or power for 5%."""
    sure = _flat_chance(looks)
    is_old = np.arange(DAYS)[:, None] >= 2
    is_powered = np.sqrt(looks.variance) * (1.96 + 0.84) <= target
    is_ship = is_old & (sure > FLAT_SURE)
    return _raw(looks, is_ship, is_old & ((sure < 1 - FLAT_SURE) | is_powered))


def _flat_chance(looks: Looks) -> Floats:
    return normal_cdf(looks.x / np.sqrt(looks.variance))


def _raw(looks: Looks, is_ship: Flags, is_stop: Flags) -> Outcome:
    """End tests by a rule that tells the lift as counted and claims what it ships."""
    day, is_shipped = _ended(is_ship, is_stop)
    x, sd = _at(looks.x, day), np.sqrt(_at(looks.variance, day))
    pit = normal_cdf((looks.effect - x) / sd)
    return Outcome(day, is_shipped, is_shipped, np.expm1(x), pit)


def _ended(is_ship: Flags, is_stop: Flags) -> tuple[Integers, Flags]:
    """Return the look that ends each test, the last at latest, and if it ships."""
    is_end = is_ship | is_stop
    is_end[-1] = True
    day = is_end.argmax(axis=0)
    return day, _at(is_ship, day)


def _at(values: Any, day: Integers) -> Any:
    return values[day, np.arange(values.shape[1])]


RIVALS: dict[str, Callable[[Looks], Outcome]] = {
    "fixed p < .05": fixed,
    "flat chance to win > 95%": chance_to_win,
    "VWO": vwo,
    "mSPRT": msprt,
    "confidence sequence": confidence_sequence,
    "GrowthBook": growthbook,
}
