"""Guardrails: harm is seen, and noise rolls back no more tests than is stated."""

import numpy as np
import polars as pl
import pytest

from code24.guardrail import ALPHA, least_drop
from models.experiments.analysis import analyze
from models.experiments.guardrails import Crossed, of_goals, of_metrics
from models.experiments.policy import decide
from tests.models.experiments import frames

TESTS, LOOKS, UNITS_A_LOOK = 600, 60, 150


def analysed(counts: dict[str, list[tuple[int, int]]]) -> pl.DataFrame:
    table = frames.stats(counts)
    return analyze(table, frames.weights(table))


@pytest.mark.parametrize(("tolerated", "loss"), [(0.0, 0.0), (0.1, 0.1)])
def test_looking_often_rolls_back_no_more_than_stated(
    tolerated: float, loss: float
) -> None:
    """Two variants that lose just what is tolerated, looked at 60 times each."""
    rng = np.random.default_rng(7)
    rates = np.array([0.1, 0.1 * (1 - loss), 0.1 * (1 - loss)])[:, None, None]
    drawn = rng.binomial(UNITS_A_LOOK, rates, (3, TESTS, LOOKS)).cumsum(axis=2)
    units = UNITS_A_LOOK * np.arange(1, LOOKS + 1)

    def is_ever_crossed(test: int) -> bool:
        return any(
            least_drop(
                (int(units[look]), int(drawn[0, test, look])),
                (int(units[look]), int(drawn[variant, test, look])),
                tolerated,
                ALPHA / 2,
            )
            > 0
            for variant in (1, 2)
            for look in range(LOOKS)
        )

    crossed = sum(is_ever_crossed(test) for test in range(TESTS))
    assert crossed <= 2 * ALPHA * TESTS


def test_each_test_of_a_site_with_a_guardrail_is_looked_at() -> None:
    told = analysed(
        {
            "bad": [(4_000, 400), (4_000, 200)],
            "fine": [(4_000, 400), (4_000, 380)],
            "one-of-two": [(8_000, 800), (8_000, 850), (8_000, 400)],
            "unsound": [(4_000, 400), (4_000, 5_000)],
        }
    )
    found = of_goals(told, {"shop": 0.1})
    assert found == {
        "bad": Crossed("goal", "v1", 0.5, 0.1),
        "one-of-two": Crossed("goal", "v2", 0.5, 0.1),
    }
    assert of_goals(told, {"other": 0.1}) == {}
    assert of_goals(told, {"shop": 0.6}) == {}


def test_a_metric_that_does_harm_is_found_beyond_its_share_of_the_error() -> None:
    rows = [
        ("a", "speed", "guardrail", "v0", True, None, None, None),
        ("a", "speed", "guardrail", "v1", False, 0.3, 150.0, None),
        ("b", "speed", "guardrail", "v1", False, 0.3, 150.0, None),
        ("b", "speed", "guardrail", "v2", False, 0.1, 3.0, None),
        ("c", "speed", "secondary", "v1", False, 0.3, 1e9, None),
        ("d", "speed", "guardrail", "v1", False, 0.3, 1e9, "negative"),
    ]
    names = ("experiment_id", "metric_id", "role", "variant_id", "is_control", "lift",
             "e_value_harm", "problem")  # fmt: skip
    table = pl.DataFrame(rows, schema=names, orient="row").with_columns(
        pl.lit(value=False).alias("is_increase_good")
    )
    assert of_metrics(table) == {"a": Crossed("speed", "v1", 0.3, 0.0)}


def test_a_crossed_test_is_stopped_unless_another_variant_ships() -> None:
    told = analysed(
        {
            "bad": [(4_000, 400), (4_000, 200)],
            "won": [(20_000, 2_000), (20_000, 2_600), (20_000, 1_200)],
            "skewed": [(4_000, 400), (3_000, 150)],
        }
    )
    crossed = of_goals(told, {"shop": 0.1})
    assert set(crossed) == {"bad", "won", "skewed"}
    by_test = {v.experiment_id: v for v in decide(told, crossed=crossed)}
    kinds = {name: (v.kind, v.variant_id) for name, v in by_test.items()}
    assert kinds == {
        "bad": ("stop", "v0"),
        "skewed": ("stop", "v0"),
        "won": ("ship", "v1"),
    }
    assert by_test["bad"].reason.startswith("Rolled back: variant 'v1' has surely lost")
    assert "50.0% below the control" in by_test["bad"].reason
    assert by_test["bad"].evidence["guardrail"] == {
        "metric": "goal",
        "variantId": "v1",
        "lost": 0.5,
        "tolerated": 0.1,
    }
