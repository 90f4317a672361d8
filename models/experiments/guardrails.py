"""Whether a running test has surely lost more than its guardrails tolerate.

Two guardrails: the goal itself, by the confidence sequence that the live counters
watch too, on the warehouse's counts; and every metric that the test declares as a
guardrail, by the e-value of its analysis. Both hold at all looks together, so that
looking often rolls no more tests back.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import polars as pl

from code24.guardrail import ALPHA, least_drop

Row = dict[str, Any]
LEAST_E_VALUE = 1.0 / ALPHA
"""Of harm by a guardrail metric, for each comparison: one of the sound tests in a
hundred is ever rolled back by a metric. 20 to 1,000."""


class Crossed(NamedTuple):
    """The guardrail that a test has crossed, and by which variant."""

    metric: str
    """The metric; ``goal`` for the test's own goal."""
    variant_id: str
    lost: float
    """Share of the control that the variant seems to have lost; below 0 a gain."""
    tolerated: float
    """The share that may be lost; 0 for a guardrail metric."""

    def as_evidence(self) -> dict[str, Any]:
        """Return it as plain values for the decision log, rounded to six digits."""
        return {
            "metric": self.metric,
            "variantId": self.variant_id,
            "lost": float(f"{self.lost:.6g}"),
            "tolerated": self.tolerated,
        }


def of_goals(
    analyses: pl.DataFrame, tolerated: Mapping[str, float]
) -> dict[str, Crossed]:
    """Return the tests that lost more of their goal than is tolerated, by id.

    Each of several variants gets its part of the error, so that a test of any number
    of variants is rolled back without need at most once in a hundred.

    Args:
        analyses: rows of ``experiments.analyses``.
        tolerated: by site the share of the control's rate that may be lost; a site
            that is not named has no such guardrail.
    """
    sound = analyses.filter(
        pl.col("problem").is_null(), pl.col("site_id").is_in(list(tolerated))
    ).sort("experiment_id", "variation_index")
    found: dict[str, Crossed] = {}
    for (test_id,), arms in sound.group_by("experiment_id", maintain_order=True):
        control, *variants = arms.iter_rows(named=True)
        crossed = _worst(control, variants, tolerated[control["site_id"]])
        if crossed is not None:
            found[str(test_id)] = crossed
    return found


def _worst(control: Row, variants: list[Row], tolerated: float) -> Crossed | None:
    alpha = ALPHA / max(len(variants), 1)
    surely = [
        variant
        for variant in variants
        if least_drop(_counts(control), _counts(variant), tolerated, alpha) > 0
    ]
    if not surely:
        return None
    worst = min(surely, key=_rate)
    lost = 1.0 - _rate(worst) / _rate(control)
    return Crossed("goal", worst["variant_id"], lost, tolerated)


def of_metrics(metrics: pl.DataFrame) -> dict[str, Crossed]:
    """Return the tests that a guardrail metric shows to do harm, by id.

    Args:
        metrics: rows of ``experiments.metric_analyses``: experiment_id, metric_id,
            role, variant_id, is_control, lift, is_increase_good, e_value_harm, problem.
    """
    guarding = metrics.filter(
        pl.col("role") == "guardrail",
        pl.col("problem").is_null(),
        pl.col("e_value_harm").is_not_null(),
    ).with_columns(pl.len().over("experiment_id").alias("comparisons"))
    harmful = guarding.filter(
        pl.col("e_value_harm") >= LEAST_E_VALUE * pl.col("comparisons")
    ).sort("experiment_id", "e_value_harm", descending=[False, True])
    first = harmful.unique("experiment_id", keep="first", maintain_order=True)
    return {
        row["experiment_id"]: Crossed(
            row["metric_id"],
            row["variant_id"],
            -row["lift"] if row["is_increase_good"] else row["lift"],
            0.0,
        )
        for row in first.iter_rows(named=True)
    }


def _counts(arm: Row) -> tuple[int, int]:
    return int(arm["units"]), int(arm["conversions"])


def _rate(arm: Row) -> float:
    return float(arm["conversions"] / max(arm["units"], 1))
