"""The shared state as the warehouse sees it: plain rows, no keys, one moment.

An erased site, and the tests and decisions that are kept of it, are not among them.
"""

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from code24.contracts.experiment import Experiment
from code24.holdout import verification
from code24.state import experiment_rows, metric_rows
from code24.state import tables as t
from code24.state.store import State

Row = dict[str, Any]


def tables(state: State, wanted: Collection[str] | None = None) -> dict[str, list[Row]]:
    """Return the rows of the ``raw`` tables that mirror the shared state, or of some.

    All tables are read at one moment; rows are ordered by key; moments are UTC
    without a time zone.
    """
    with state.read() as connection:
        return {
            name: rows(connection)
            for name, rows in _ROWS.items()
            if wanted is None or name in wanted
        }


def _sites(connection: Connection) -> list[Row]:
    site, policy = t.sites.c, t.site_policies.c
    is_shared = sa.func.coalesce(policy.is_shared, sa.true()).label("is_shared")
    query = (
        sa.select(site.site_id, site.host, site.vertical, is_shared)
        .join(t.site_policies, policy.site_id == site.site_id, isouter=True)
        .where(_stays(site.site_id))
        .order_by(site.site_id)
    )
    return [
        {**row, "is_shared": bool(row["is_shared"])}
        for row in _plain(connection, query)
    ]


def _goals(connection: Connection) -> list[Row]:
    goal = t.goals.c
    query = sa.select(goal.site_id, goal.goal_type, goal.position)
    return _plain(connection, query.order_by(goal.site_id, goal.position))


def _experiments(connection: Connection) -> list[Row]:
    test = t.ab_tests.c
    query = sa.select(
        test.id.label("experiment_id"),
        test.site_id,
        test.test_type,
        test.goal_type,
        test.status,
        test.coverage,
        test.hash_version,
        test.start_date.label("start_at"),
        test.end_date.label("end_at"),
        test.winner_variant.label("winner_variant_id"),
        test.decision_id,
    )
    verifying = [_verification_row(test) for test in _verifications(connection)]
    query = query.where(_stays(test.site_id)).order_by(test.id)
    return _by_key([*_plain(connection, query), *verifying])


def _verifications(connection: Connection) -> list[Experiment]:
    """Return the tests by which holdouts see what shipped variants bring."""
    policy = t.site_policies.c
    query = (
        experiment_rows.select_tests()
        .add_columns(policy.holdout)
        .join(t.site_policies, policy.site_id == t.ab_tests.c.site_id)
        .where(t.ab_tests.c.winner_variant.is_not(None), policy.holdout > 0)
        .where(_stays(t.ab_tests.c.site_id))
    )
    rows = connection.execute(query).mappings()
    found = (
        verification(experiment_rows.experiment_of(row), row["holdout"]) for row in rows
    )
    return [test for test in found if test is not None]


def _verification_row(test: Experiment) -> Row:
    return {
        "experiment_id": test.test_id,
        "site_id": test.site_id,
        "test_type": test.test_type,
        "goal_type": test.goal_type,
        "status": test.status,
        "coverage": test.coverage,
        "hash_version": test.hash_version,
        "start_at": _naive(test.start_date),
        "end_at": None,
        "winner_variant_id": None,
        "decision_id": None,
    }


def _variants(connection: Connection) -> list[Row]:
    test = t.ab_tests.c
    query = sa.select(test.id, test.variants).where(_stays(test.site_id))
    own = [
        _variant_row(test_id, index, variant["variantId"], variant["name"])
        for test_id, variants in connection.execute(query.order_by(test.id))
        for index, variant in enumerate(variants)
    ]
    verifying = [
        _variant_row(test.test_id, index, variant.variant_id, variant.name)
        for test in _verifications(connection)
        for index, variant in enumerate(test.variants)
    ]
    return _by_key([*own, *verifying])


def _variant_row(test_id: str, index: int, variant_id: str, name: str) -> Row:
    return {
        "experiment_id": test_id,
        "variation_index": index,
        "variant_id": variant_id,
        "name": name,
    }


def _metrics(connection: Connection) -> list[Row]:
    stays = _stays(t.ab_tests.c.site_id)
    query = experiment_rows.select_tests().where(stays)
    own = map(experiment_rows.experiment_of, connection.execute(query).mappings())
    tests = [*own, *_verifications(connection)]
    return _by_key([row for test in tests for row in metric_rows.rows_of(test)])


def _by_key(rows: list[Row]) -> list[Row]:
    """Order by test; the rows of one stay as they are."""
    return sorted(rows, key=lambda row: str(row["experiment_id"]))


def _weights(connection: Connection) -> list[Row]:
    history = t.weight_history.c
    stays = sa.select(t.ab_tests.c.id).where(_stays(t.ab_tests.c.site_id))
    query = sa.select(t.weight_history).where(history.test_id.in_(stays))
    query = query.order_by(history.test_id, history.from_at)
    own = [
        _weight_row(row["test_id"], row["from_at"], index, weight, row["release_id"])
        for row in connection.execute(query).mappings()
        for index, weight in enumerate(row["weights"])
    ]
    verifying = [
        _weight_row(test.test_id, test.start_date, index, weight, None)
        for test in _verifications(connection)
        for index, weight in enumerate(test.traffic_split)
    ]
    return _by_key([*own, *verifying])


def _weight_row(
    test_id: str, from_at: Any, index: int, weight: float, release_id: str | None
) -> Row:
    return {
        "experiment_id": test_id,
        "from_at": _naive(from_at),
        "variation_index": index,
        "weight": float(weight),
        "release_id": release_id,
    }


def _decisions(connection: Connection) -> list[Row]:
    log = t.decisions.c
    query = sa.select(
        log.decision_id,
        log.test_id.label("experiment_id"),
        log.site_id,
        log.kind,
        log.variant.label("variant_id"),
        log.is_claimed,
        log.reason,
        log.decided_at,
    )
    return _plain(connection, query.where(_stays(log.site_id)).order_by(log.sequence))


def _past_experiments(connection: Connection) -> list[Row]:
    past = t.past_experiments.c
    query = sa.select(
        past.site_id,
        past.experiment_id,
        past.variant_id,
        past.position.label("variation_index"),
        past.units,
        past.conversions,
        past.test_type,
        past.goal_type,
        past.ended_at,
        past.source,
    )
    by = (past.site_id, past.experiment_id, past.position)
    return _plain(connection, query.order_by(*by))


_ROWS: dict[str, Callable[[Connection], list[Row]]] = {
    "sites": _sites,
    "goals": _goals,
    "experiments": _experiments,
    "variants": _variants,
    "metrics": _metrics,
    "weights": _weights,
    "decisions": _decisions,
    "past_experiments": _past_experiments,
}


def _stays(site_id: sa.ColumnElement[Any]) -> sa.ColumnElement[bool]:
    return site_id.not_in(sa.select(t.erased_sites.c.site_id))


def _plain(connection: Connection, query: sa.Select[Any]) -> list[Row]:
    rows = connection.execute(query).mappings()
    return [{name: _naive(value) for name, value in row.items()} for row in rows]


def _naive(value: Any) -> Any:
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value
