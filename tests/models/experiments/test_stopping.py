"""The boundaries against simulation, and against policies that differ from them."""

from itertools import pairwise

import numpy as np
import pytest

from models.experiments.arms import Floats
from models.experiments.mixing import shares
from models.experiments.stopping import (
    INFORMATION,
    LOOKS,
    Boundaries,
    Law,
    Terms,
    slot_worth,
    solve,
)

TERMS = Terms(0.005, 0.00001, 28.0, 365.0)
LAWS = [
    Law((0.0, 0.08), (0.7, 0.3), 0.0),
    Law((0.05,), (1.0,), 0.4),
    Law((0.0, 0.02, 0.1), (0.5, 0.4, 0.1), 0.0),
]
DAYS = np.arange(1.0, LOOKS + 1)
TESTS = 20_000


def drawn(law: Law, information: float) -> tuple[Floats, Floats]:
    """Return true lifts, and the log ratio seen by each day; (days, tests)."""
    rng = np.random.default_rng(5)
    scale = rng.choice(law.scales, TESTS, p=law.weights)
    effect = scale * (law.shift + rng.standard_normal(TESTS))
    daily = rng.standard_normal((LOOKS, TESTS)) / np.sqrt(information)
    seen = (effect + daily).cumsum(axis=0) / DAYS[:, None]
    return np.expm1(effect), seen


def expected_lift(law: Law, x: Floats, variance: Floats) -> Floats:
    """Return the posterior mean lift by Bayes' rule, scale by scale."""
    scales = np.array(law.scales)
    total = variance[..., None] + scales**2
    mean = law.shift * scales
    log_p = -0.5 * (np.log(total) + (x[..., None] - mean) ** 2 / total)
    share = shares(log_p.reshape(-1, len(scales)), np.array(law.weights))
    shrink = scales**2 / total
    center = shrink * x[..., None] + (1 - shrink) * mean
    lift = np.expm1(center + shrink * variance[..., None] / 2)
    found: Floats = (share.reshape(lift.shape) * lift).sum(axis=-1)
    return found


def value(
    law: Law, information: float, ship: Floats, stop: Floats
) -> tuple[float, float]:
    """Return the mean value of tests that end at these boundaries, and its error."""
    true, seen = drawn(law, information)
    variance = np.broadcast_to(1 / (information * DAYS)[:, None], seen.shape)
    lift = expected_lift(law, seen, variance)
    ships, stops = lift >= ship[:, None], lift <= stop[:, None]
    is_end = ships | stops
    is_end[-1] = True
    at = is_end.argmax(axis=0)
    shipped = ships[at, np.arange(TESTS)]
    left = 1 - DAYS[at] / TERMS.horizon_days
    gain = np.where(shipped, (true - TERMS.cost_of_change) * left, 0.0)
    net = gain - TERMS.cost_of_day * DAYS[at]
    return float(net.mean()), float(net.std() / np.sqrt(TESTS))


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("level", [3, 5, 8])
def test_worth_is_what_the_boundaries_bring(law: Law, level: int) -> None:
    """20,000 simulated tests; tolerance of four standard errors and 3% for the grid."""
    found = solve(law, TERMS)
    got, error = value(law, INFORMATION[level], found.ship[level], found.stop[level])
    assert got == pytest.approx(found.worth[level], abs=4 * error, rel=0.03)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("level", [3, 5])
def test_other_boundaries_bring_no_more(law: Law, level: int) -> None:
    """On the same draws, so that differences of policies are nearly free of noise."""
    found = solve(law, TERMS)
    ship, stop = found.ship[level], found.stop[level]
    best, _ = value(law, INFORMATION[level], ship, stop)
    cost = np.full(LOOKS, TERMS.cost_of_change)
    never = np.where(np.arange(LOOKS) == LOOKS - 1, TERMS.cost_of_change, np.inf)
    others = {
        "at once": (cost, cost),
        "on the last day": (never, -never * (np.arange(LOOKS) < LOOKS - 1)),
        "twice as sure": (cost + 2 * (ship - cost), stop),
        "half as sure": (cost + 0.5 * (ship - cost), stop),
        "stops early": (ship, cost + 0.5 * (stop - cost)),
    }
    for name, (later, sooner) in others.items():
        got, _ = value(law, INFORMATION[level], later, np.minimum(sooner, later))
        assert got <= best * 1.01, name


@pytest.mark.parametrize("law", LAWS)
def test_boundaries_close_in_on_the_cost(law: Law) -> None:
    found = solve(law, TERMS)
    assert (found.ship >= found.stop - 1e-12).all()
    assert (found.ship >= TERMS.cost_of_change - 1e-3).all()
    assert found.ship[:, -1].tolist() == [TERMS.cost_of_change] * len(INFORMATION)
    assert found.stop[:, -1].tolist() == [TERMS.cost_of_change] * len(INFORMATION)
    assert (np.diff(found.ship[4:8], axis=1) <= 1e-3).all()


def test_a_dear_day_stops_sooner_and_ships_sooner() -> None:
    cheap = solve(LAWS[0], TERMS)
    dear = solve(LAWS[0], TERMS._replace(cost_of_day=0.001))
    assert (dear.ship[5] <= cheap.ship[5] + 1e-6).all()
    assert (dear.stop[5] >= cheap.stop[5] - 1e-6).all()
    assert dear.worth[5] < cheap.worth[5]


@pytest.mark.parametrize("law", LAWS)
def test_a_slot_is_worth_what_the_next_test_would_bring(law: Law) -> None:
    """Charged each day, another test is worth its set-up; and it pays: more a day."""
    information = INFORMATION[[4, 5]]
    cost = slot_worth(law, TERMS, information, 2.0)
    worth = solve(law, TERMS._replace(cost_of_day=cost)).worth[[4, 5]].mean()
    assert worth == pytest.approx(2 * cost, rel=0.1)
    assert cost > 10 * TERMS.cost_of_day


def test_a_slot_of_tests_without_effects_is_worth_nothing() -> None:
    nothing = Law((0.0,), (1.0,), 0.0)
    assert slot_worth(nothing, TERMS, INFORMATION[[4]], 1.0) == pytest.approx(1e-6)


def test_nothing_to_find_is_stopped_at_once() -> None:
    found = solve(Law((0.0,), (1.0,), 0.0), TERMS)
    assert (found.stop == TERMS.cost_of_change).all()
    np.testing.assert_allclose(found.worth, -TERMS.cost_of_day, atol=1e-9)


def test_more_traffic_is_worth_more() -> None:
    worth = solve(LAWS[0], TERMS).worth
    assert all(more >= less * 0.9 for less, more in pairwise(worth))
    assert worth[6] > 2 * worth[1]


def at(found: Boundaries, day: float, information: float) -> tuple[float, float]:
    ship, stop = found.at(np.array([day]), np.array([information]))
    return float(ship[0]), float(stop[0])


def test_boundaries_of_a_test_are_interpolated() -> None:
    found = solve(LAWS[0], TERMS)
    assert at(found, 7.0, 7 * INFORMATION[5]) == pytest.approx(
        (found.ship[5, 6], found.stop[5, 6])
    )
    between, _ = at(found, 7.5, 7.5 * INFORMATION[5])
    assert found.ship[5, 7] < between < found.ship[5, 6]


@pytest.mark.parametrize("day", [28.0, 400.0])
def test_the_last_day_decides_by_the_cost_alone(day: float) -> None:
    found = solve(LAWS[0], TERMS)
    assert at(found, day, 1e4) == (TERMS.cost_of_change, TERMS.cost_of_change)


def test_an_hour_is_taken_for_a_day() -> None:
    found = solve(LAWS[0], TERMS)
    assert at(found, 0.0, 500.0) == at(found, 1.0, 500.0)
