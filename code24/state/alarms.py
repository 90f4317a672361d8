"""The guardrails that running tests crossed: raised, then settled by an analysis."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from code24.contracts.alarm import Alarm, AlarmOutcome
from code24.state import audit, experiment_rows
from code24.state.store import State
from code24.state.tables import guardrail_alarms as alarms

THRESHOLD = "guardrail_drop"


def raise_alarm(
    state: State, crossing: Mapping[str, Any], *, actor: str, now: datetime
) -> bool:
    """Note that a running test crossed a guardrail; return whether that was new.

    One that has an open alarm keeps it; of a test that is not running none is raised.

    Args:
        state: The shared state.
        crossing: ``testId``, ``variantId``, ``value`` and ``limit`` of the message.
        actor: Who notes it.
        now: When.
    """
    with state.write() as connection:
        test = experiment_rows.find(connection, str(crossing["testId"]))
        if test is None or test.status != "running" or _open(connection, test.test_id):
            return False
        values = {
            "site_id": test.site_id,
            "test_id": test.test_id,
            "variant": str(crossing["variantId"]),
            "value": float(crossing["value"]),
            "tolerated": float(crossing["limit"]),
        }
        query = sa.insert(alarms).values(**values, raised_at=now)
        connection.execute(query)
        _audit(connection, "guardrail.crossed", test.test_id, values, actor, now)
    return True


def settle(
    state: State, alarm: Alarm, outcome: AlarmOutcome, *, actor: str, now: datetime
) -> None:
    """End an alarm; one that has ended stays as it is."""
    is_it = sa.and_(alarms.c.alarm_id == alarm.alarm_id, alarms.c.settled_at.is_(None))
    values = {"settled_at": now, "outcome": outcome}
    with state.write() as connection:
        done = connection.execute(sa.update(alarms).where(is_it).values(values))
        if done.rowcount:
            after = {"alarmId": alarm.alarm_id, "variant": alarm.variant}
            action = f"guardrail.{outcome}"
            _audit(connection, action, alarm.test_id, after, actor, now)


def list_alarms(
    state: State,
    site_id: str | None = None,
    test_id: str | None = None,
    *,
    is_open: bool = False,
    limit: int = 1_000,
) -> list[Alarm]:
    """Return the newest alarms, the newest first; of a site or a test, or open ones."""
    query = sa.select(alarms).order_by(alarms.c.alarm_id.desc()).limit(limit)
    if site_id is not None:
        query = query.where(alarms.c.site_id == site_id)
    if test_id is not None:
        query = query.where(alarms.c.test_id == test_id)
    if is_open:
        query = query.where(alarms.c.settled_at.is_(None))
    with state.read() as connection:
        rows = connection.execute(query).mappings().all()
    return [Alarm(**row) for row in rows]


def _open(connection: Connection, test_id: str) -> bool:
    query = sa.select(alarms.c.alarm_id).where(
        alarms.c.test_id == test_id, alarms.c.settled_at.is_(None)
    )
    return connection.execute(query).first() is not None


def _audit(
    connection: Connection,
    action: str,
    test_id: str,
    after: Mapping[str, Any],
    actor: str,
    now: datetime,
) -> None:
    subject = f"test:{test_id}"
    audit.append(connection, action, subject, actor=actor, now=now, after=after)
