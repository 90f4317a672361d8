"""What a rule's decisions brought, against the truth."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from models.experiments.arms import Flags, Floats, Integers
from models.experiments.policy import DEFAULT_POLICY, Policy


class Decided(NamedTuple):
    """How tests ended, and what was true of them; arrays (tests,)."""

    effect: Floats
    """True log ratio of the variant to the control."""
    days: Integers
    """How long each test took."""
    is_shipped: Flags
    lift: Floats
    """The lift told at the end."""


class Tally(NamedTuple):
    """What decisions brought; lifts and regret as shares of the control's rate."""

    tests: int
    shipped: int
    improvement: float | None
    """Mean true lift of shipped variants; none where none was shipped."""
    winners: int
    """Tests whose true lift exceeds what the change costs."""
    winners_shipped: float | None
    """The share of those that was shipped; none where there was none."""
    told_over_true: float | None
    """Mean lift told of shipped variants over their mean true lift; none where that
    is not above 0."""
    value: float
    """Net true lift of a test's decision over the rest of its year."""
    regret: float
    """By how much the value stays behind that of shipping each winner, and nothing
    else, at once."""


def together(parts: Sequence[Decided]) -> Decided:
    """Return the tests of all parts as one."""
    return Decided(*(np.concatenate(each) for each in zip(*parts, strict=True)))


def tally(decided: Decided, policy: Policy = DEFAULT_POLICY) -> Tally:
    """Compare decisions with the truth."""
    true_lift, shipped = np.expm1(decided.effect), decided.is_shipped
    net = true_lift - policy.cost_of_change
    left = 1.0 - decided.days / policy.horizon_days
    value = np.where(shipped, net * left, 0.0)
    is_winner = net > 0
    told, true = float(decided.lift[shipped].sum()), float(true_lift[shipped].sum())
    return Tally(
        tests=len(true_lift),
        shipped=int(shipped.sum()),
        improvement=_mean(true_lift[shipped]),
        winners=int(is_winner.sum()),
        winners_shipped=_mean(shipped[is_winner].astype(float)),
        told_over_true=told / true if true > 0 else None,
        value=float(value.mean()),
        regret=float((np.maximum(net, 0.0) - value).mean()),
    )


def _mean(values: Floats) -> float | None:
    return float(values.mean()) if len(values) else None
