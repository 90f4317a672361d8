"""The simulated rule is the platform's own; rivals are what they publish."""

import numpy as np
import polars as pl
import pytest

from models.experiments.analysis import analyze
from models.experiments.policy import decide
from models.priors.mixture import DEFAULT_PRIOR, Prior
from models.simulate.rules import (
    RIVALS,
    believe,
    chance_to_win,
    fixed,
    learned,
)
from models.simulate.worlds import DAYS, WORLDS, Looks, look, look_at
from tests.models.experiments import frames

TESTS = 400
PRIORS = [DEFAULT_PRIOR, Prior((0.0, 0.02, 0.1), (0.5, 0.3, 0.2), 0.2)]


@pytest.mark.parametrize("prior", PRIORS, ids=["default", "learned"])
def test_decides_as_the_policy_does_on_the_same_counts(prior: Prior) -> None:
    """400 tests of 14 days: the same lift to .2 points, and the same verdicts but for
    those within that of a boundary.
    """
    rng = np.random.default_rng(1)
    units = rng.integers(4_000, 60_000, TESTS)
    rate = rng.uniform(0.02, 0.15, TESTS)
    effect = np.where(rng.random(TESTS) < 0.5, 0.0, rng.normal(0.02, 0.08, TESTS))
    counts = rng.binomial(units, [rate, rate * np.exp(effect)]).astype(float)
    table = frames.stats(
        {
            f"t{i:03}": [(units[i], counts[0, i]), (units[i], counts[1, i])]
            for i in range(TESTS)
        }
    )
    analyses = analyze(table, frames.weights(table), prior)
    verdicts = [each.kind for each in decide(analyses)]

    x = np.log((counts[1] + 0.5) / (counts[0] + 0.5))
    variance = (1 / (counts + 0.5) - 1 / (units + 1)).sum(axis=0)
    seen = np.full((DAYS, TESTS), 1.0)
    few = np.where(np.arange(DAYS)[:, None] == 13, counts.min(axis=0), 0.0)
    looks = Looks(seen * x, seen * variance, few, 2 * units * seen, effect)
    lift = analyses.filter(~pl.col("is_control"))["lift"].to_numpy()
    told = believe(looks, prior, rng).lift[13]
    np.testing.assert_allclose(told, lift, atol=0.002)

    outcome = learned(looks, prior, rng)
    ended = np.where(outcome.is_shipped, "ship", "stop")
    kinds = np.where(outcome.day == 13, ended, "keep")
    assert (kinds == np.array(verdicts)).mean() >= 0.98
    assert {"ship", "keep"} <= set(verdicts)


def test_a_fixed_look_is_right_at_its_level_and_peeking_is_not() -> None:
    """Equal arms: 2.5% win at one look; a flat chance to win peeks to a quarter."""
    equal = look_at(WORLDS[0], np.zeros(4_000), np.random.default_rng(2))
    assert fixed(equal).is_shipped.mean() == pytest.approx(0.025, abs=0.01)
    assert 0.18 < chance_to_win(equal).is_shipped.mean() < 0.3


@pytest.mark.parametrize("name", ["mSPRT", "confidence sequence"])
def test_always_valid_rules_are_rarely_wrong_though_they_peek(name: str) -> None:
    equal = look_at(WORLDS[0], np.zeros(4_000), np.random.default_rng(3))
    assert RIVALS[name](equal).is_shipped.mean() <= 0.025


@pytest.mark.parametrize("name", RIVALS)
def test_every_rule_ships_large_gains_and_no_large_losses(name: str) -> None:
    gain = look_at(WORLDS[0], np.full(300, 0.3), np.random.default_rng(4))
    loss = look_at(WORLDS[0], np.full(300, -0.3), np.random.default_rng(5))
    assert RIVALS[name](gain).is_shipped.mean() > 0.9
    assert RIVALS[name](loss).is_shipped.mean() < 0.1


def test_chance_below_the_truth_is_uniform_if_the_prior_is_true() -> None:
    """The randomised PIT, atoms of the spike included; 6,000 tests on their 5th day."""
    world = WORLDS[0]
    rng = np.random.default_rng(6)
    pit = believe(look(world, 6_000, rng), world.truth, rng).pit[4]
    shares = np.histogram(pit, bins=10, range=(0, 1))[0] / 6_000
    np.testing.assert_allclose(shares, 0.1, atol=0.015)
