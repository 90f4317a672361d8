"""How often automatic decisions are right, where the truth is known.

For each world: a programme of past tests, stopped by peeking, from which a prior is
learned; then new tests, decided by the platform with that prior and by other rules. All
past tests enter, at the count at which they were stopped, shipped or not.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from models.experiments.arms import Floats, Integers
from models.experiments.policy import DEFAULT_POLICY, Policy
from models.experiments.stopping import Law, slot_worth
from models.priors.learning import PSEUDO_TESTS, Evidence, Fit, fit, fit_of, parent_of
from models.priors.mixture import DEFAULT_PRIOR, Prior
from models.simulate.rules import (
    LEAST_CONVERSIONS,
    RIVALS,
    Outcome,
    believe,
    chance_to_win,
    is_claimed,
    learned,
)
from models.simulate.worlds import DAYS, Looks, World, look, look_at

SET_UP_DAYS = 3.0
"""Days for which a slot is taken before a test's first visitor."""
DAYS_A_YEAR = 365.0
BEST = "prior known"
"""The optimal policy that knows the true law of effects."""
DEFAULT = "default prior"


class Scale(NamedTuple):
    """How large a study is."""

    tests: int
    """New tests in each world, in ``chunks`` each with a prior of its own."""
    chunks: int
    past: tuple[int, ...]
    """From how many past tests a prior is learned."""


class Result(NamedTuple):
    """What one rule did in one world; ratios are NaN where nothing happened."""

    world: str
    rule: str
    value: float
    """Net value per test over the year, as a share of the control's rate."""
    value_over_best: float
    """The same over that of the policy that knows the prior."""
    value_per_slot: float
    """Net lift a year that one slot brings which is never empty; by the platform's
    policy for tests that compete, which charges each day what the next would bring."""
    shipped: float
    """Share of tests shipped."""
    false_claims: float
    """Share of claims whose true effect is 0 or less."""
    claimed: float
    """Share of tests claimed."""
    claimed_equal: float
    """Share of A/A tests claimed at any of 28 looks."""
    claimed_over_true: float
    """Mean lift told of shipped tests over their mean true lift."""
    coverage: float
    """How often 90% intervals hold, at the end of each test."""
    coverage_shipped: float
    """The same among shipped tests."""
    days: float
    """Mean length of a test."""


def study(world: World, scale: Scale, seed: int) -> list[Result]:
    """Run every rule in a world."""
    rng = np.random.default_rng([seed, *world.name.encode()])
    looks = look(world, scale.tests, rng)
    equal = look_at(world, np.zeros(scale.tests), rng)
    parts = np.array_split(np.arange(scale.tests), scale.chunks)
    best = learned(looks, world.truth, rng)
    own: dict[str, list[Prior]] = {
        BEST: [world.truth] * scale.chunks,
        DEFAULT: [DEFAULT_PRIOR] * scale.chunks,
    }
    for past in scale.past:
        own[f"learned from {past:,}"] = [
            learn_from(world, past, rng) for _ in range(scale.chunks)
        ]
    found: list[Result] = []
    for name, priors in own.items():
        outcome = _together(looks, parts, priors, rng)
        at_equal = _equal_claims(equal, parts, priors, rng)
        told = result(world, name, looks, outcome, best, at_equal)
        busy = _together(looks, parts, priors, rng, is_busy=True)
        found.append(told._replace(value_per_slot=per_slot(looks, busy)))
    for name, rule in RIVALS.items():
        at_equal = float(np.mean(rule(equal).is_claimed))
        found.append(result(world, name, looks, rule(looks), best, at_equal))
    return found


def learn_from(world: World, tests: int, rng: np.random.Generator) -> Prior:
    """Learn a prior from past tests of a world that were stopped by peeking."""
    told = past_evidence(world, tests, rng)
    return _prior(fit(told, parent_of(told, DEFAULT_PRIOR), PSEUDO_TESTS))


def past_evidence(world: World, tests: int, rng: np.random.Generator) -> Evidence:
    """Return what past tests of a world say that were stopped by peeking."""
    looks = look(world, tests, rng)
    day = chance_to_win(looks).day
    at = (day, np.arange(tests))
    used = looks.least[at] >= LEAST_CONVERSIONS
    return evidence_of(looks.x[at][used], looks.variance[at][used], DEFAULT_PRIOR)


def compare_parents(world: World, scale: Scale, seed: int) -> list[Result]:
    """Compare what a prior may be drawn to, on the same past and new tests.

    Rules: ``default, 5`` and ``default, 20``, the default as it is with so many
    pseudo-tests; ``bent``, as the platform has it.
    """
    found = []
    for past in scale.past:
        rng = np.random.default_rng([seed, past, *world.name.encode()])
        looks = look(world, scale.tests, rng)
        parts = np.array_split(np.arange(scale.tests), scale.chunks)
        best = learned(looks, world.truth, rng)
        told = [past_evidence(world, past, rng) for _ in parts]
        for name, priors in _by_parent(told).items():
            outcome = _together(looks, parts, priors, rng)
            rule = f"{name}, from {past:,}"
            found.append(result(world, rule, looks, outcome, best, float("nan")))
    return found


def _by_parent(told: Sequence[Evidence]) -> dict[str, list[Prior]]:
    start = fit_of(DEFAULT_PRIOR)
    return {
        "default, 5": [_prior(fit(each, start, 5.0)) for each in told],
        "default, 20": [_prior(fit(each, start, 20.0)) for each in told],
        "bent": [
            _prior(fit(each, parent_of(each, DEFAULT_PRIOR), PSEUDO_TESTS))
            for each in told
        ],
    }


def _prior(found: Fit) -> Prior:
    return Prior(DEFAULT_PRIOR.scales, tuple(found.weights.tolist()), found.shift)


def evidence_of(x: Floats, variance: Floats, prior: Prior) -> Evidence:
    """Return what log ratios say of each scale, as ``learning.evidence`` of counts."""
    scales = np.array(prior.scales)
    total = variance[:, None] + np.square(scales)
    log_likelihood = -0.5 * (np.log(total) + np.square(x[:, None]) / total)
    slope = scales * x[:, None] / total
    return Evidence(log_likelihood, slope, np.square(scales) / total)


def result(
    world: World,
    rule: str,
    looks: Looks,
    outcome: Outcome,
    best: Outcome,
    claimed_equal: float,
    policy: Policy = DEFAULT_POLICY,
) -> Result:
    """Compare what a rule did with the truth."""
    true_lift, shipped = np.expm1(looks.effect), outcome.is_shipped
    value = _value(true_lift, outcome, policy)
    claims = outcome.is_claimed
    holds = np.abs(outcome.pit - 0.5) <= 0.45
    return Result(
        world=world.name,
        rule=rule,
        value=float(value.mean()),
        value_over_best=_ratio(value.mean(), _value(true_lift, best, policy).mean()),
        value_per_slot=per_slot(looks, outcome, policy),
        shipped=float(shipped.mean()),
        false_claims=_ratio((claims & (looks.effect <= 0)).sum(), claims.sum()),
        claimed=float(claims.mean()),
        claimed_equal=claimed_equal,
        claimed_over_true=_ratio(outcome.lift[shipped].sum(), true_lift[shipped].sum()),
        coverage=float(holds.mean()),
        coverage_shipped=_ratio(holds[shipped].sum(), shipped.sum()),
        days=float(outcome.day.mean() + 1),
    )


def per_slot(looks: Looks, outcome: Outcome, policy: Policy = DEFAULT_POLICY) -> float:
    """Return the net lift that a slot brings in a year in which it is never empty."""
    net = np.expm1(looks.effect[outcome.is_shipped]) - policy.cost_of_change
    slot_days = (outcome.day + 1 + SET_UP_DAYS).sum()
    return float(net.sum() / slot_days * DAYS_A_YEAR)


def _value(true_lift: Floats, outcome: Outcome, policy: Policy) -> Floats:
    left = 1.0 - (outcome.day + 1) / policy.horizon_days
    return np.where(outcome.is_shipped, (true_lift - policy.cost_of_change) * left, 0.0)


def _together(
    looks: Looks,
    parts: Sequence[Integers],
    priors: list[Prior],
    rng: np.random.Generator,
    *,
    is_busy: bool = False,
) -> Outcome:
    found = [
        learned(some := _only(looks, part), prior, rng, _policy(some, prior, is_busy))
        for part, prior in zip(parts, priors, strict=True)
    ]
    return Outcome(*(np.concatenate(each) for each in zip(*found, strict=True)))


def _policy(looks: Looks, prior: Prior, is_busy: bool) -> Policy:
    """Return the policy; where tests compete, a day costs what a slot is worth."""
    if not is_busy:
        return DEFAULT_POLICY
    law = Law(prior.scales, prior.weights, prior.shift)
    daily = 1.0 / looks.variance[-1] / DAYS
    cost = slot_worth(law, DEFAULT_POLICY.terms(), daily, SET_UP_DAYS)
    return replace(DEFAULT_POLICY, cost_of_day=cost)


def _equal_claims(
    equal: Looks,
    parts: Sequence[Integers],
    priors: list[Prior],
    rng: np.random.Generator,
) -> float:
    """Return the share of A/A tests claimed at any look, were none ever stopped."""
    claimed = 0
    for part, prior in zip(parts, priors, strict=True):
        some = _only(equal, part)
        at = is_claimed(believe(some, prior, rng)) & (some.least >= LEAST_CONVERSIONS)
        claimed += int(at.any(axis=0).sum())
    return claimed / len(equal.effect)


def _only(looks: Looks, tests: Integers) -> Looks:
    return Looks(*(values[..., tests] for values in looks))


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else float("nan")
