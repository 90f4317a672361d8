"""How the visitors of a running test are shared out next.

Top-two Thompson sampling (Russo 2020): the arm that is drawn best gets half the
visitors of its draw, the one drawn best among the others the other half, so that
evidence is gathered where the choice is still open. Each arm keeps a floor. Shares are
those of a whole period, set before it begins, so that they are its propensities.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from code24.contracts.allocation import Allocation
from models.experiments.arms import Floats

Row = dict[str, Any]
DRAWS = 20_000
"""Of the posterior: shares are right to a third of a point. 1,000 to 1,000,000."""
TOP = 0.5
"""Share of the arm drawn best; 1 is plain Thompson sampling, which soon shows nothing
else (Russo 2020 proves a half to be near the best for telling which arm is best)."""
LEAST_MOVE = 0.02
"""Shares that would move by less stay: each change begins a period of its own, in which
a visitor's later conversions are counted no more. 0.005 to 0.2."""
DIGITS = 4
"""Of a share; hashing has 10,000 places."""


class Chances(NamedTuple):
    """What the posterior says of each arm."""

    best: Floats
    """Chance to be best."""
    second: Floats
    """Chance to be best of those that are not drawn best."""


def chances(
    effects: Floats, covariance: Floats, *, draws: int = DRAWS, seed: int = 0
) -> Chances:
    """Return how often each arm is drawn best, and best but one.

    Args:
        effects: posterior means of the log ratios to the control, the control's 0
            first.
        covariance: of the same.
        draws: of the posterior.
        seed: of the draws.
    """
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    rng = np.random.default_rng(seed)
    drawn = effects + rng.standard_normal((draws, len(effects))) @ root.T
    order = np.argsort(drawn, axis=1)
    counts = [np.bincount(order[:, -n], minlength=len(effects)) for n in (1, 2)]
    return Chances(counts[0] / draws, counts[1] / draws)


def top_two(found: Chances, floor: float) -> Floats:
    """Return the share of each arm; they sum to 1, none below the floor.

    Of two arms both are always among the top two, which would be equal shares for
    ever: they are sampled plainly.
    """
    top = TOP if len(found.best) > 2 else 1.0
    wanted = top * found.best + (1.0 - top) * found.second
    shares = np.round(floor + (1.0 - len(wanted) * floor) * wanted, DIGITS)
    shares[int(shares.argmax())] += 1.0 - shares.sum()
    return shares


def covariance_of(arms: Sequence[Row]) -> Floats:
    """Return the posterior covariance of an analysis' effects, the control's first.

    What is left of the sampling noise after shrinkage is shared as the noise itself:
    two effects have that of the control in common.
    """
    sd = np.array([arm["effect_sd"] or 0.0 for arm in arms])
    noise = np.array([arm["observed_sd"] or 1.0 for arm in arms])
    control = arms[0]
    common = 1.0 / (control["conversions"] + 0.5) - 1.0 / (control["units"] + 1.0)
    kept = sd / noise
    found: Floats = np.outer(kept, kept) * min(
        common, float(np.square(noise[1:]).min())
    )
    np.fill_diagonal(found, np.square(sd))
    found[0], found[:, 0] = 0.0, 0.0
    return found


def bandit(arms: Sequence[Row], rule: Allocation) -> list[float] | None:
    """Return the shares of the next period; none where they stay.

    Args:
        arms: the test's rows of an analysis, the control first; counts of old periods
            may have faded.
        rule: floor and least data.
    """
    is_known = all(arm["effect"] is not None for arm in arms)
    fewest = min(arm["units"] for arm in arms)
    if not is_known or not arms[0]["is_enough_data"] or fewest < rule.least_units:
        return None
    effects = np.array([arm["effect"] if n else 0.0 for n, arm in enumerate(arms)])
    shares = top_two(chances(effects, covariance_of(arms)), rule.floor)
    moved = np.abs(shares - np.array([arm["weight"] for arm in arms])).max()
    return shares.tolist() if moved >= LEAST_MOVE else None


def next_coverage(
    coverage: float, arms: Sequence[Row], rule: Allocation
) -> float | None:
    """Return the coverage of a roll-out's next step; none where it stays.

    A step is taken where each arm has units enough to be judged; what the guardrails
    say of them is asked before, and stops the test.
    """
    if min(arm["units"] for arm in arms) < rule.least_units:
        return None
    ahead = [rule.target * step for step in rule.steps]
    return next((step for step in ahead if step > coverage + 1e-9), None)
