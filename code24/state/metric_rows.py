"""The metrics of tests as rows of ``raw.metrics``, the defaults among them."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from code24.contracts.experiment import Experiment
from code24.contracts.metric import Measure, Metric, effective_metrics
from code24.contracts.wire import GoalType
from code24.state.tables import ab_tests, test_metrics

CENTS = 100.0


def rows_of(test: Experiment) -> list[dict[str, Any]]:
    """Return one row for each metric that the test is judged by, the goal's first."""
    return [
        _row(test, position, metric)
        for position, metric in enumerate(
            effective_metrics(test.metrics, test.goal_type)
        )
    ]


def are_beyond_plain(connection: Connection) -> bool:
    """Say whether a running test has a metric that needs statistics of its own."""
    query = (
        sa.select(test_metrics.c.test_id)
        .join(ab_tests, ab_tests.c.id == test_metrics.c.test_id)
        .where(ab_tests.c.status == "running")
        .limit(1)
    )
    return connection.execute(query).first() is not None


def _row(test: Experiment, position: int, metric: Metric) -> dict[str, Any]:
    return {
        "experiment_id": test.test_id,
        "metric_id": metric.metric_id,
        "site_id": test.site_id,
        "position": position,
        "role": metric.role,
        "kind": metric.kind,
        "is_plain": metric.is_plain(test.goal_type),
        "is_increase_good": metric.is_increase_good,
        **_measure("measure", metric.measured, test.goal_type),
        **_measure("per", metric.per, test.goal_type),
        "delay_hours": metric.delay_hours,
        "window_hours": metric.length_hours,
        "is_mature_only": metric.is_mature_only,
        "cap": _cap(metric),
        "cap_share": metric.cap_share,
        "covariate_days": metric.covariate_days,
        "quantile": metric.quantile,
    }


def _measure(name: str, measure: Measure | None, own: GoalType) -> dict[str, Any]:
    if measure is None:
        return {name: None, f"{name}_goal_type": None}
    goal_type = None if measure.of == "page_views" else measure.goal_type or own
    return {name: measure.of, f"{name}_goal_type": goal_type}


def _cap(metric: Metric) -> float | None:
    """Return the cap in the warehouse's unit: cents where money is added up."""
    if metric.cap is None:
        return None
    return metric.cap * (CENTS if metric.measured.of == "value" else 1.0)
