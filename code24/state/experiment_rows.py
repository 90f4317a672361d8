"""Tests as rows: what experiments.py and decisions.py do within a transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from code24.contracts.experiment import Experiment, Namespace, Variant
from code24.contracts.metric import Metric
from code24.contracts.targeting import StickyBucketing, Targeting
from code24.state.errors import NotKnownError
from code24.state.tables import (
    ab_tests,
    test_metrics,
    test_plans,
    test_targeting,
    weight_history,
)

VARIANTS = tuple[Variant, ...]
METRICS = tuple[Metric, ...]


def insert(connection: Connection, experiment: Experiment) -> None:
    """Add the row of a test that has no outcome yet."""
    values = {
        "id": experiment.test_id,
        "site_id": experiment.site_id,
        "test_type": experiment.test_type,
        "variants": experiment.variants,
        "traffic_split": experiment.traffic_split,
        "start_date": experiment.start_date,
        "end_date": experiment.end_date,
        "status": experiment.status,
        "goal_type": experiment.goal_type,
        "coverage": experiment.coverage,
        "hash_version": experiment.hash_version,
        "seed": experiment.seed,
    }
    connection.execute(sa.insert(ab_tests).values(values))
    put_plan(connection, experiment)
    _insert_targeting(connection, experiment)
    if experiment.metrics:
        query = sa.insert(test_metrics).values(
            test_id=experiment.test_id, metrics=experiment.metrics
        )
        connection.execute(query)


def _insert_targeting(connection: Connection, experiment: Experiment) -> None:
    targeting, sticky = experiment.targeting, experiment.sticky_bucketing
    if targeting is None and sticky is None:
        return
    query = sa.insert(test_targeting).values(
        test_id=experiment.test_id, targeting=targeting, sticky_bucketing=sticky
    )
    connection.execute(query)


def put_plan(connection: Connection, experiment: Experiment) -> None:
    """Note a test's slice and its planned dates, in place of what was noted."""
    is_its = test_plans.c.test_id == experiment.test_id
    connection.execute(sa.delete(test_plans).where(is_its))
    part = experiment.namespace
    starts, ends = experiment.planned_start_date, experiment.planned_end_date
    if part is None and starts is None and ends is None:
        return
    values = {
        "test_id": experiment.test_id,
        "namespace": part.name if part else None,
        "low": part.low if part else None,
        "high": part.high if part else None,
        "planned_start_date": starts,
        "planned_end_date": ends,
    }
    connection.execute(sa.insert(test_plans).values(values))


def update(connection: Connection, test_id: str, values: Mapping[str, Any]) -> None:
    """Change columns of one test."""
    query = sa.update(ab_tests).where(ab_tests.c.id == test_id)
    connection.execute(query.values(values))


def find(connection: Connection, test_id: str) -> Experiment | None:
    """Return one test, or none."""
    query = select_tests().where(ab_tests.c.id == test_id)
    row = connection.execute(query).mappings().first()
    return None if row is None else experiment_of(row)


def select_tests() -> sa.Select[Any]:
    """Return the query of all that ``experiment_of`` needs of every test."""
    plan = test_plans.c
    part = (plan.namespace, plan.low, plan.high)
    dates = (plan.planned_start_date, plan.planned_end_date)
    asked = (test_targeting.c.targeting, test_targeting.c.sticky_bucketing)
    query = sa.select(ab_tests, *part, *dates, *asked, test_metrics.c.metrics)
    for table in (test_plans, test_targeting, test_metrics):
        query = query.join(table, table.c.test_id == ab_tests.c.id, isouter=True)
    return query


def require(connection: Connection, test_id: str) -> Experiment:
    """Return one test.

    Raises:
        NotKnownError: there is no such test.
    """
    found = find(connection, test_id)
    if found is None:
        raise NotKnownError(f"test {test_id!r} is not known: code24 test list")
    return found


def experiment_of(row: RowMapping) -> Experiment:
    """Turn a row of ``select_tests`` into the contract."""
    return Experiment(
        test_id=row["id"],
        site_id=row["site_id"],
        test_type=row["test_type"],
        goal_type=row["goal_type"],
        variants=msgspec.convert(row["variants"], VARIANTS),
        traffic_split=tuple(row["traffic_split"]),
        status=row["status"],
        coverage=row["coverage"],
        hash_version=row["hash_version"],
        seed=row["seed"],
        namespace=_namespace(row),
        targeting=msgspec.convert(row["targeting"], Targeting | None),
        sticky_bucketing=msgspec.convert(
            row["sticky_bucketing"], StickyBucketing | None
        ),
        planned_start_date=row["planned_start_date"],
        planned_end_date=row["planned_end_date"],
        start_date=row["start_date"],
        end_date=row["end_date"],
        winner_variant=row["winner_variant"],
        metrics=msgspec.convert(row["metrics"] or (), METRICS),
    )


def _namespace(row: RowMapping) -> Namespace | None:
    if row["namespace"] is None:
        return None
    return Namespace(name=row["namespace"], low=row["low"], high=row["high"])


def put_weights(
    connection: Connection, test_id: str, weights: Sequence[float], from_at: datetime
) -> None:
    """Note the weights that hold from ``from_at`` on, in place of any noted then."""
    history = weight_history.c
    is_same = sa.and_(history.test_id == test_id, history.from_at == from_at)
    values = {"weights": list(weights), "release_id": None}
    done = connection.execute(sa.update(weight_history).where(is_same).values(values))
    if done.rowcount == 0:
        connection.execute(
            sa.insert(weight_history).values(test_id=test_id, from_at=from_at, **values)
        )


def results(connection: Connection, test_id: str) -> dict[str, Any]:
    """Return the evidence that the last decision rested on; empty before the first."""
    query = sa.select(ab_tests.c.results).where(ab_tests.c.id == test_id)
    return dict(connection.execute(query).scalar() or {})


def first_weights(connection: Connection, test_id: str) -> tuple[float, ...]:
    """Return the weights that the test was made with."""
    query = (
        sa.select(weight_history.c.weights)
        .where(weight_history.c.test_id == test_id)
        .order_by(weight_history.c.from_at)
        .limit(1)
    )
    return tuple(connection.execute(query).scalar_one())
