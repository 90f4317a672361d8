"""Shares that follow what is learned: where they go, their floor, what they bring."""

import numpy as np
import pytest

from code24.contracts.allocation import Allocation
from models.experiments.allocation import (
    bandit,
    chances,
    covariance_of,
    next_coverage,
    top_two,
)
from models.experiments.analysis import analyze
from models.priors.mixture import FLAT_PRIOR
from tests.models.experiments import frames

RULE = Allocation(test_id="t", kind="bandit")


def arms(*counts: tuple[int, int]) -> list[dict[str, object]]:
    table = frames.stats({"t": list(counts)})
    found = analyze(table, frames.weights(table), FLAT_PRIOR)
    return found.sort("variation_index").to_dicts()


def test_chances_are_those_of_the_normal_law() -> None:
    found = chances(np.array([0.0, 0.1]), np.diag([0.0, 0.01]), draws=200_000)
    assert found.best[1] == pytest.approx(0.8413, abs=0.003)
    assert found.second == pytest.approx(1 - found.best)


def test_the_two_that_may_be_best_share_the_visitors() -> None:
    found = bandit(arms((5_000, 250), (5_000, 500), (5_000, 490)), RULE)
    assert found is not None
    assert sum(found) == pytest.approx(1.0)
    assert found[0] == pytest.approx(RULE.floor, abs=0.01)
    assert min(found[1:]) > 0.4


def test_shares_stay_where_too_little_is_known_or_little_would_move() -> None:
    assert bandit(arms((90, 30), (90, 60)), RULE) is None
    assert bandit(arms((5_000, 12), (5_000, 40)), RULE) is None
    assert bandit(arms((5_000, 250), (5_000, 250)), RULE) is None


def test_no_arm_falls_below_its_floor() -> None:
    for floor in (0.01, 0.1, 1 / 3):
        sure = chances(np.array([0.0, 5.0, -5.0]), np.diag([0.0, 0.01, 0.01]))
        shares = top_two(sure, floor)
        assert shares.min() >= floor - 1e-3
        assert shares.sum() == pytest.approx(1.0)


def test_covariance_is_that_of_counts_with_a_shared_control() -> None:
    """Without a prior two effects have the control's noise in common."""
    counts = [(4_000, 400), (4_000, 410), (8_000, 800)]
    found = covariance_of(arms(*counts))
    rng = np.random.default_rng(2)
    units = np.array([n for n, _ in counts])
    logs = np.log(rng.binomial(units, [c / n for n, c in counts], (200_000, 3)) / units)
    seen = np.cov((logs - logs[:, :1]).T)
    assert found == pytest.approx(seen, rel=0.05, abs=1e-5)


def test_in_programmes_more_visitors_see_the_best_arm_than_by_equal_shares() -> None:
    """Simulated: 40 tests of three arms over ten days; equal shares show a third."""
    rng = np.random.default_rng(9)
    seen_best = []
    for _ in range(40):
        rates = 0.05 * np.exp(0.3 * rng.standard_normal(3))
        shares, units, reached = np.full(3, 1 / 3), np.zeros(3), np.zeros(3)
        for _day in range(10):
            today = rng.multinomial(1_500, shares)
            units += today
            reached += rng.binomial(today, rates)
            counts = [(int(n), int(c)) for n, c in zip(units, reached, strict=True)]
            found = bandit(arms(*counts), RULE)
            shares = shares if found is None else np.array(found)
        seen_best.append(units[rates.argmax()] / units.sum())
    assert np.mean(seen_best) > 0.42


def test_a_roll_out_steps_once_each_arm_has_been_judged() -> None:
    rule = Allocation(test_id="t", kind="rollout", target=0.8)
    judged = arms((500, 50), (480, 50))
    covered = [0.04]
    while (step := next_coverage(covered[-1], judged, rule)) is not None:
        covered.append(step)
    assert covered == pytest.approx([0.04, 0.08, 0.2, 0.4, 0.8])
    assert next_coverage(0.04, arms((500, 50), (99, 9)), rule) is None


@pytest.mark.parametrize("steps", [(), (0.5, 0.2, 1.0), (0.0, 1.0), (0.1, 0.5)])
def test_steps_that_do_not_lead_to_the_whole_are_refused(
    steps: tuple[float, ...],
) -> None:
    with pytest.raises(ValueError, match="must rise from above 0 to 1"):
        Allocation(test_id="t", kind="rollout", steps=steps)
