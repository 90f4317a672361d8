"""Planning against the classical formula, simulation, and the boundaries."""

import numpy as np
import pytest

from models.experiments.planning import (
    PlanningError,
    Traffic,
    assurance,
    detectable,
    outlook,
    power,
    units_needed,
)
from models.experiments.stopping import INFORMATION, Law, Terms, solve
from models.priors.mixture import DEFAULT_PRIOR, Prior

TERMS = Terms(0.005, 0.00001, 28.0, 365.0)
LEARNED = Prior((0.0, 0.02, 0.08), (0.6, 0.3, 0.1), tests=200)
TRAFFIC = Traffic(base_rate=0.05, daily_units=4_000)


@pytest.mark.parametrize("base_rate", [0.01, 0.05, 0.3])
@pytest.mark.parametrize("lift", [0.02, 0.1, -0.1])
def test_the_classical_formula_of_two_proportions_agrees(
    base_rate: float, lift: float
) -> None:
    other = base_rate * (1 + lift)
    spread = base_rate * (1 - base_rate) + other * (1 - other)
    classical = (1.959964 + 0.841621) ** 2 * spread / (other - base_rate) ** 2
    assert units_needed(base_rate, lift) == pytest.approx(classical, rel=0.02)


def test_the_units_needed_have_the_power_wanted_in_counted_tests() -> None:
    rate, lift = 0.05, 0.15
    units = int(np.ceil(units_needed(rate, lift)))
    rng = np.random.default_rng(3)
    a, b = rng.binomial(units, [[rate], [rate * (1 + lift)]], (2, 20_000))
    variance = 1 / a - 1 / units + 1 / b - 1 / units
    rejected = np.abs(np.log(b / a)) / np.sqrt(variance) > 1.959964
    assert rejected.mean() == pytest.approx(0.8, abs=0.015)


def test_power_is_the_level_where_there_is_nothing_and_detects_what_it_says() -> None:
    sd = TRAFFIC.sd(np.array([7.0, 28.0]))
    assert power(np.zeros(2), sd) == pytest.approx([0.05, 0.05])
    least = np.log1p(detectable(sd))
    assert power(least, sd) == pytest.approx([0.8, 0.8], abs=1e-4)


def test_assurance_is_the_mean_of_power_over_the_prior() -> None:
    rng = np.random.default_rng(4)
    scale = rng.choice(LEARNED.scales, 200_000, p=LEARNED.weights)
    effect = scale * rng.standard_normal(200_000)
    sd = np.array([0.02, 0.06])
    seen = effect + sd[:, None] * rng.standard_normal((2, 200_000))
    shown = (seen > 1.959964 * sd[:, None]).mean(axis=1)
    assert assurance(LEARNED, sd) == pytest.approx(shown, abs=0.003)


@pytest.mark.parametrize("daily", [400.0, 4_000.0, 40_000.0])
def test_the_worth_of_a_test_is_that_of_the_induction(daily: float) -> None:
    """What was drawn gains what backward induction says the test is worth."""
    traffic = Traffic(base_rate=0.05, daily_units=daily)
    found = outlook(LEARNED, traffic, TERMS, paths=40_000)
    law = Law(LEARNED.scales, LEARNED.weights, LEARNED.shift)
    level = np.log(INFORMATION)
    worth = np.interp(np.log(traffic.information), level, solve(law, TERMS).worth)
    assert found.gain == pytest.approx(float(worth), rel=0.08, abs=2e-4)
    assert found.worth == pytest.approx(found.gain - found.without)


def test_more_traffic_decides_sooner_and_is_worth_more() -> None:
    few, many = (
        outlook(LEARNED, Traffic(0.05, daily), TERMS) for daily in (400.0, 40_000.0)
    )
    assert many.days < few.days <= few.days_90 <= 28.0
    assert many.worth > few.worth > 0
    assert many.chance_of_gain > few.chance_of_gain


def test_more_variants_find_more_where_there_is_traffic() -> None:
    two, four = (outlook(LEARNED, Traffic(0.05, 4e5, arms), TERMS) for arms in (2, 4))
    assert four.gain > two.gain
    assert four.chance_to_ship > two.chance_to_ship


def test_where_nothing_can_be_gained_a_test_is_worth_nothing() -> None:
    nothing = Prior((0.0, 0.001), (0.9, 0.1))
    found = outlook(nothing, TRAFFIC, TERMS)
    assert found.chance_to_ship == 0.0
    assert -1e-3 < found.worth <= 0.0
    assert found.without == 0.0


def test_the_same_plan_twice_is_the_same() -> None:
    assert outlook(DEFAULT_PRIOR, TRAFFIC, TERMS) == outlook(
        DEFAULT_PRIOR, TRAFFIC, TERMS
    )


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"base_rate": 0.0}, "base rate 0"),
        ({"base_rate": 1.0}, "base rate 1"),
        ({"daily_units": 0.0}, "daily units 0"),
        ({"arms": 1}, "arms 1"),
    ],
)
def test_values_that_no_test_has_are_refused(
    given: dict[str, float], named: str
) -> None:
    with pytest.raises(PlanningError, match=named):
        Traffic(**{"base_rate": 0.05, "daily_units": 100.0, **given})  # type: ignore[arg-type]
    with pytest.raises(PlanningError, match="must change the rate"):
        units_needed(0.5, 1.5)
