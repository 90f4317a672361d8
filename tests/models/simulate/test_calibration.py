"""A small study: what must hold in any world, and what the truth would bring."""

import numpy as np
import pytest

from models.priors.mixture import DEFAULT_PRIOR
from models.simulate.calibration import (
    BEST,
    Result,
    Scale,
    compare_parents,
    evidence_of,
    learn_from,
    study,
)
from models.simulate.worlds import WORLDS

SCALE = Scale(tests=1_500, chunks=3, past=(100,))
LEARNED = "learned from 100"


@pytest.fixture(scope="module", params=[0, 2], ids=["a", "c"])
def results(request: pytest.FixtureRequest) -> dict[str, Result]:
    found = study(WORLDS[request.param], SCALE, seed=1)
    return {result.rule: result for result in found}


def test_claims_are_seldom_false_though_read_daily(
    results: dict[str, Result],
) -> None:
    """At most 5% of A/A tests are ever claimed, by Ville; no prior changes that."""
    for rule in (BEST, LEARNED, "default prior"):
        assert results[rule].claimed_equal <= 0.02
        assert not results[rule].false_claims > 0.05


def test_a_learned_prior_comes_near_to_the_known_one(
    results: dict[str, Result],
) -> None:
    assert results[BEST].value_over_best == 1.0
    assert results[LEARNED].value_over_best > 0.8
    flat = results["flat chance to win > 95%"]
    assert results[LEARNED].value > flat.value
    assert results[LEARNED].value_per_slot > flat.value_per_slot


def test_a_known_prior_promises_what_comes(results: dict[str, Result]) -> None:
    """Some hundred shipped tests: standard error near .1."""
    assert results[BEST].claimed_over_true == pytest.approx(1.0, abs=0.35)
    assert results[BEST].coverage == pytest.approx(0.9, abs=0.03)
    assert results["flat chance to win > 95%"].claimed_over_true > 2


def test_learns_the_law_that_made_the_past() -> None:
    found = learn_from(WORLDS[1], 2_000, np.random.default_rng(1))
    assert found.sd == pytest.approx(WORLDS[1].truth.sd, rel=0.2)


def test_evidence_is_relative_to_the_normal_law() -> None:
    told = evidence_of(np.array([0.1]), np.array([0.01]), DEFAULT_PRIOR)
    scale = DEFAULT_PRIOR.scales[-1]
    total = 0.01 + scale**2
    expected = -0.5 * (np.log(total) + (0.1 - 0.2 * scale) ** 2 / total)
    found = told.log_likelihood + 0.2 * told.slope - 0.02 * told.curve
    assert found[0, -1] == pytest.approx(expected)


def test_parents_are_compared_on_the_same_tests() -> None:
    world = next(each for each in WORLDS if each.name == "b")
    found = compare_parents(world, Scale(tests=200, chunks=2, past=(20,)), seed=1)
    rules = [each.rule for each in found]
    assert rules == ["default, 5, from 20", "default, 20, from 20", "bent, from 20"]
    assert all(0.5 < each.value_over_best < 1.1 for each in found)
    assert all(each.claimed_over_true > 0.3 for each in found)
