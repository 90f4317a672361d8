"""The shared state as the warehouse sees it: plain rows, no keys, one moment."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from code24.state import tables as t
from code24.state.store import State

Row = dict[str, Any]


def tables(state: State) -> dict[str, list[Row]]:
    """Return the rows of every ``raw`` table that mirrors the shared state.

    All tables are read at one moment; rows are ordered by key; moments are UTC
    without a time zone.
    """
    with state.read() as connection:
        return {name: rows(connection) for name, rows in _ROWS.items()}


def _sites(connection: Connection) -> list[Row]:
    site = t.sites.c
    query = sa.select(site.site_id, site.host, site.vertical)
    return _plain(connection, query.order_by(site.site_id))


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
    return _plain(connection, query.order_by(test.id))


def _variants(connection: Connection) -> list[Row]:
    query = sa.select(t.ab_tests.c.id, t.ab_tests.c.variants).order_by(t.ab_tests.c.id)
    return [
        {
            "experiment_id": test_id,
            "variation_index": index,
            "variant_id": variant["variantId"],
            "name": variant["name"],
        }
        for test_id, variants in connection.execute(query)
        for index, variant in enumerate(variants)
    ]


def _weights(connection: Connection) -> list[Row]:
    history = t.weight_history.c
    query = sa.select(t.weight_history).order_by(history.test_id, history.from_at)
    return [
        {
            "experiment_id": row["test_id"],
            "from_at": _naive(row["from_at"]),
            "variation_index": index,
            "weight": float(weight),
            "release_id": row["release_id"],
        }
        for row in connection.execute(query).mappings()
        for index, weight in enumerate(row["weights"])
    ]


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
    return _plain(connection, query.order_by(log.sequence))


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
    "weights": _weights,
    "decisions": _decisions,
    "past_experiments": _past_experiments,
}


def _plain(connection: Connection, query: sa.Select[Any]) -> list[Row]:
    rows = connection.execute(query).mappings()
    return [{name: _naive(value) for name, value in row.items()} for row in rows]


def _naive(value: Any) -> Any:
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value
