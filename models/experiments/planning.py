"""What a test can be expected to show, to take and to bring, before it begins.

Three questions, from the same learned prior as the analysis will start from:

* how large an effect so many visitors can show (the classical power of a point effect,
  and its mean over the prior, called assurance);
* how long the test will run and how it will end under the boundaries of ``stopping``;
* what running it is worth, against deciding now without data (value of information).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from code24.errors import Code24Error
from models.experiments.arms import Flags, Floats, Integers
from models.experiments.mixing import shares
from models.experiments.special import normal_cdf, normal_quantile
from models.experiments.stopping import LOOKS, Law, Terms, solve
from models.priors.mixture import Prior

PATHS = 4_000
"""Tests drawn for an outlook: shares are then right to 1.6 points, days to a fifth of
a day. 500 to 100,000."""
LEVEL = 0.05
POWER = 0.8


class PlanningError(Code24Error):
    """A test cannot be planned from a value that no test can have."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """What a test will see a day."""

    base_rate: float
    """Conversion rate of the control, above 0 and below 1."""
    daily_units: float
    """New units a day over all arms."""
    arms: int = 2
    """Control included; each gets the same share."""

    def __post_init__(self) -> None:
        """Reject what no test can have."""
        if not 0 < self.base_rate < 1:
            raise PlanningError(
                f"base rate {self.base_rate:g}: must be above 0 and below 1"
            )
        if not 0 < self.daily_units < 1e12:
            raise PlanningError(
                f"daily units {self.daily_units:g}: must be above 0, and a real count"
            )
        if not 2 <= self.arms <= 100:
            raise PlanningError(f"arms {self.arms}: must be from 2 to 100")

    @property
    def information(self) -> float:
        """Return the information a day on each log ratio: 1 over its variance."""
        arm = self.daily_units / self.arms
        return arm * self.base_rate / (2.0 * (1.0 - self.base_rate))

    def sd(self, days: Floats) -> Floats:
        """Return the standard error of each log ratio after so many days."""
        found: Floats = 1.0 / np.sqrt(self.information * days)
        return found


def power(effect: Floats, sd: Floats, level: float = LEVEL) -> Floats:
    """Return the chance that a two-sided test of ``level`` rejects no effect.

    Args:
        effect: true log ratios.
        sd: standard errors of their estimates.
        level: how often it rejects where there is none.
    """
    z = normal_quantile(1.0 - level / 2.0)
    found: Floats = normal_cdf(effect / sd - z) + normal_cdf(-effect / sd - z)
    return found


def assurance(prior: Prior, sd: Floats, level: float = LEVEL) -> Floats:
    """Return the chance that such a test shows a gain, over the effects believed in.

    The mean of the upper half of ``power`` over the prior, in closed form, as a scale
    mixture plus noise is one of wider scales.
    """
    z = normal_quantile(1.0 - level / 2.0)
    scales, weights = np.array(prior.scales), np.array(prior.weights)
    total = np.sqrt(np.square(scales) + np.square(np.atleast_1d(sd))[:, None])
    chance = normal_cdf((prior.shift * scales - z * np.atleast_1d(sd)[:, None]) / total)
    found: Floats = chance @ weights
    return found


def detectable(sd: Floats, power_wanted: float = POWER, level: float = LEVEL) -> Floats:
    """Return the least lift that such a test shows with the power wanted."""
    z = normal_quantile(1.0 - level / 2.0) + normal_quantile(power_wanted)
    found: Floats = np.expm1(z * sd)
    return found


def units_needed(
    base_rate: float,
    lift: float,
    power_wanted: float = POWER,
    level: float = LEVEL,
) -> float:
    """Return the units of each arm that show this lift with the power wanted.

    On the log ratio, with each arm's own variance; the classical formula for two
    proportions gives the same to the second order in the lift.

    Raises:
        PlanningError: the lift is none, or leads to a rate that cannot be.
    """
    rate = base_rate * (1.0 + lift)
    if lift == 0 or not 0 < rate < 1 or not 0 < base_rate < 1:
        raise PlanningError(
            f"lift {lift:g} at base rate {base_rate:g}: must change the rate, to one "
            "above 0 and below 1"
        )
    z = normal_quantile(1.0 - level / 2.0) + normal_quantile(power_wanted)
    variance = (1.0 - base_rate) / base_rate + (1.0 - rate) / rate
    return float(np.square(z / np.log1p(lift)) * variance)


class Outlook(NamedTuple):
    """How a test can be expected to go, and what it is worth."""

    days: float
    """Mean days until it is decided."""
    days_90: float
    """Nine of ten are decided by then."""
    chance_to_ship: float
    chance_of_gain: float
    """Of those that ship: how many ship what is truly better."""
    gain: float
    """Mean true lift over the horizon, net of the cost of change and of days."""
    without: float
    """The same of deciding now without data: the better of shipping and leaving it."""
    worth: float
    """Value of information: ``gain`` less ``without``; below 0 it is not worth its
    days."""
    worth_a_day: float
    """``worth`` for each day of a slot, set-up included: the order of a queue."""


def outlook(
    prior: Prior,
    traffic: Traffic,
    terms: Terms,
    *,
    set_up: float = 1.0,
    paths: int = PATHS,
    seed: int = 0,
) -> Outlook:
    """Draw tests from the prior and take each through the boundaries of ``stopping``.

    Of several variants the one that leads decides, as it will; how long an early
    ship waits to tell variants apart is left out, so several take a little longer.

    Args:
        prior: of the effects.
        traffic: what it will see a day.
        terms: what deciding is worth.
        set_up: days for which a slot is taken before the first visitor.
        paths: tests drawn.
        seed: of the draws.
    """
    law = Law(prior.scales, prior.weights, prior.shift)
    days = np.linspace(0.0, terms.longest_days, LOOKS + 1)[1:]
    rng = np.random.default_rng(seed)
    effects = _effects(prior, traffic.arms, paths, rng)
    lift = _lifts(law, _seen(effects, traffic, days, rng), traffic, days)
    ended = _endings(law, traffic, terms, days, lift)
    true = np.expm1(effects[np.arange(paths), ended.leading])
    gain = _gain(ended, true, terms)
    mean_days, without = float(ended.day.mean()), _without(law, terms)
    worth = gain - without
    is_gain = true[ended.is_shipped] > 0
    return Outlook(
        days=mean_days,
        days_90=float(np.quantile(ended.day, 0.9, method="higher")),
        chance_to_ship=float(ended.is_shipped.mean()),
        chance_of_gain=float(is_gain.mean()) if len(is_gain) else 0.0,
        gain=gain,
        without=without,
        worth=worth,
        worth_a_day=worth / (mean_days + set_up),
    )


class _Ended(NamedTuple):
    """How each test drawn ended."""

    day: Floats
    is_shipped: Flags
    leading: Integers
    """Index of the variant that led, from 0 among the variants."""


def _endings(
    law: Law, traffic: Traffic, terms: Terms, days: Floats, lift: Floats
) -> _Ended:
    leading = lift.argmax(axis=2)
    best = np.take_along_axis(lift, leading[..., None], axis=2)[..., 0]
    ship_from, stop_up_to = solve(law, terms).at(days, traffic.information * days)
    is_shipped = best >= ship_from[:, None]
    is_over = is_shipped | (best <= stop_up_to[:, None])
    is_over[-1] = True
    end, test = is_over.argmax(axis=0), np.arange(lift.shape[1])
    return _Ended(days[end], is_shipped[end, test], leading[end, test])


def _gain(ended: _Ended, true: Floats, terms: Terms) -> float:
    left = 1.0 - ended.day / terms.horizon_days
    shipped = np.where(ended.is_shipped, (true - terms.cost_of_change) * left, 0.0)
    return float((shipped - terms.cost_of_day * ended.day).mean())


def _without(law: Law, terms: Terms) -> float:
    scales, weights = np.array(law.scales), np.array(law.weights)
    mean = law.shift * scales + np.square(scales) / 2.0
    lift = float(weights @ np.expm1(mean))
    return max(lift - terms.cost_of_change, 0.0)


def _effects(prior: Prior, arms: int, paths: int, rng: np.random.Generator) -> Floats:
    """Draw the true log ratios of each test's variants to its control."""
    scale = rng.choice(prior.scales, (paths, 1), p=prior.weights)
    own = np.sqrt(1.0 - prior.correlation) * rng.standard_normal((paths, arms - 1))
    control = np.sqrt(prior.correlation) * rng.standard_normal((paths, 1))
    found: Floats = scale * (prior.shift + own - control)
    return found


def _seen(
    effects: Floats, traffic: Traffic, days: Floats, rng: np.random.Generator
) -> Floats:
    """Draw the log ratios as counted by each look, with the control's shared noise."""
    shape = (len(days), *effects.shape)
    step = np.diff(days, prepend=0.0)[:, None, None]
    half = np.sqrt(step / (2.0 * traffic.information))
    noise = half * (rng.standard_normal(shape) - rng.standard_normal((*shape[:2], 1)))
    found: Floats = effects + noise.cumsum(axis=0) / days[:, None, None]
    return found


def _lifts(law: Law, seen: Floats, traffic: Traffic, days: Floats) -> Floats:
    """Return the posterior mean lift of each log ratio seen, by Bayes' rule."""
    scales, weights = np.array(law.scales), np.array(law.weights)
    found = np.empty_like(seen)
    for look, sd in enumerate(traffic.sd(days)):
        total = sd**2 + np.square(scales)
        x, mean = seen[look][..., None], law.shift * scales
        log_evidence = -0.5 * (np.log(total) + np.square(x - mean) / total)
        share = shares(log_evidence.reshape(-1, len(scales)), weights)
        shrink = np.square(scales) / total
        center = shrink * x + (1.0 - shrink) * mean
        lift = np.expm1(center + shrink * sd**2 / 2.0)
        found[look] = (share.reshape(lift.shape) * lift).sum(axis=-1)
    return found
