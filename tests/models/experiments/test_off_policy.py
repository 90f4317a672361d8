"""Off-policy estimates on logs whose truth is known, and the refusal of the rest."""

import numpy as np
import pytest

from models.experiments.arms import Integers
from models.experiments.off_policy import (
    Log,
    Method,
    OffPolicyError,
    evaluate,
    of_counts,
)

LOGGING = np.array([[0.7, 0.2, 0.1], [0.2, 0.3, 0.5]])
"""Propensities by kind of visitor."""
RATES = np.array([[0.05, 0.1, 0.2], [0.3, 0.2, 0.1]])
TARGET = np.array([[0.1, 0.1, 0.8], [0.8, 0.1, 0.1]])
TRUE = float((TARGET * RATES).sum(axis=1).mean())
METHODS: tuple[Method, ...] = ("ips", "snips", "dr")


def logged(visitors: int, seed: int) -> tuple[Log, Integers]:
    """Draw visitors of two kinds, each shown an arm by the logging policy."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 2, visitors)
    arm = (rng.random((visitors, 1)) > LOGGING[kind].cumsum(axis=1)).sum(axis=1)
    outcome = (rng.random(visitors) < RATES[kind, arm]).astype(float)
    return Log(arm, outcome, LOGGING[kind], np.ones(visitors)), kind


@pytest.mark.parametrize("method", METHODS)
def test_intervals_hold_the_truth_as_often_as_they_say(method: Method) -> None:
    held, values = 0, []
    for seed in range(300):
        log, kind = logged(3_000, seed)
        target, model = TARGET[kind], 0.7 * RATES[kind] + 0.02
        found = evaluate(log, target, method, model)
        held += found.low <= TRUE <= found.high
        values.append(found.value)
    assert held / 300 == pytest.approx(0.9, abs=0.05)
    assert np.mean(values) == pytest.approx(TRUE, abs=0.002)


def test_the_naive_mean_of_the_log_is_far_off() -> None:
    log, _ = logged(100_000, 1)
    assert abs(log.outcome.mean() - TRUE) > 0.04


def test_a_good_model_makes_the_doubly_robust_estimate_narrower() -> None:
    log, kind = logged(5_000, 3)
    ips = evaluate(log, TARGET[kind], "ips")
    robust = evaluate(log, TARGET[kind], "dr", RATES[kind])
    assert robust.high - robust.low < 0.9 * (ips.high - ips.low)


def test_the_logging_policy_itself_has_the_mean_of_its_log() -> None:
    log, _ = logged(2_000, 4)
    found = evaluate(log, log.propensity, "ips")
    assert found.value == pytest.approx(log.outcome.mean())
    assert found.effective == pytest.approx(2_000)


def test_counts_of_periods_stand_for_their_visitors() -> None:
    """Arm rates are 10% and 20% on both days; shares and traffic change."""
    units = np.array([[9_000.0, 1_000.0], [500.0, 4_500.0]])
    log = of_counts(units, units * [0.1, 0.2], np.array([[0.9, 0.1], [0.1, 0.9]]))
    for method in METHODS:
        found = evaluate(log, np.array([0.25, 0.75]), method, np.array([0.1, 0.2]))
        assert found.value == pytest.approx(0.175)
        assert found.low < found.value < found.high


@pytest.mark.parametrize(
    ("target", "named"),
    [
        ([0.0, 0.0, 1.0], "arm 2 where the log never could"),
        ([0.5, 0.6, 0.0], "shares that sum to 1"),
        ([-0.5, 1.5, 0.0], "shares that sum to 1"),
    ],
)
def test_a_target_without_support_is_refused(target: list[float], named: str) -> None:
    propensity = np.array([[0.5, 0.5, 0.0]])
    log = of_counts(
        np.array([[500.0, 500.0, 0.0]]), np.array([[50.0, 60.0, 0.0]]), propensity
    )
    with pytest.raises(OffPolicyError, match=named):
        evaluate(log, np.array(target))


def test_few_effective_visitors_are_refused() -> None:
    units = np.array([[9_990.0, 10.0]])
    log = of_counts(units, units * 0.1, np.array([[0.999, 0.001]]))
    with pytest.raises(OffPolicyError, match="10 of 10,000 visitors carry"):
        evaluate(log, np.array([0.0, 1.0]))


def test_a_log_that_no_policy_wrote_is_refused() -> None:
    units, reached = np.array([[10.0, 10.0]]), np.array([[1.0, 1.0]])
    with pytest.raises(OffPolicyError, match="arm 1 was shown with a propensity of 0"):
        of_counts(units, reached, np.array([[1.0, 0.0]]))
    with pytest.raises(OffPolicyError, match="sum to 1"):
        of_counts(units, reached, np.array([[0.9, 0.9]]))
    with pytest.raises(OffPolicyError, match="empty"):
        of_counts(np.zeros((1, 2)), np.zeros((1, 2)), np.array([[0.5, 0.5]]))
    log, _ = logged(200, 1)
    with pytest.raises(OffPolicyError, match="dr needs a model"):
        evaluate(log, log.propensity, "dr")
