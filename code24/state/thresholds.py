"""The thresholds of each site: the defaults, and what an operator set instead."""

from collections.abc import Iterable
from datetime import datetime
from typing import get_args

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from code24.contracts.threshold import (
    DEFINITIONS,
    Threshold,
    ThresholdName,
    default,
    fault,
)
from code24.state import audit, sites, tables
from code24.state.errors import StateError
from code24.state.store import State
from code24.state.tables import thresholds

NAMES: tuple[ThresholdName, ...] = get_args(ThresholdName)


def list_thresholds(state: State, site_id: str | None = None) -> list[Threshold]:
    """Return every threshold of every site, or of one, as it holds.

    Raises:
        NotKnownError: there is no such site.
    """
    with state.read() as connection:
        if site_id is not None:
            sites.require(connection, site_id)
        query = sa.select(tables.sites.c.site_id).order_by(tables.sites.c.site_id)
        known = list(connection.execute(query).scalars())
        changed = {(own.site_id, own.name): own for own in _own(connection)}
    wanted = known if site_id is None else [site_id]
    return [
        changed.get((site, name), default(site, name))
        for site in wanted
        for name in NAMES
    ]


def list_changed(state: State) -> list[Threshold]:
    """Return the thresholds that are not at their default."""
    with state.read() as connection:
        return _own(connection)


def set_threshold(
    state: State,
    site_id: str,
    name: str,
    value: float,
    window_seconds: int | None = None,
    *,
    actor: str,
    now: datetime,
) -> Threshold:
    """Set a site's threshold; its window stays as it is where none is given.

    Raises:
        StateError: there is no such threshold, or the value or window is not allowed.
        NotKnownError: there is no such site.
    """
    known = _named(name)
    with state.write() as connection:
        sites.require(connection, site_id)
        before = _find(connection, site_id, known)
        window = before.window_seconds if window_seconds is None else window_seconds
        wrong = fault(known, value, window)
        if wrong is not None:
            raise StateError(wrong)
        after = Threshold(
            site_id=site_id,
            name=known,
            value=float(value),
            window_seconds=window,
            is_default=False,
        )
        if after != before:
            _replace(connection, after)
            _audit(connection, "threshold.set", before, after, actor=actor, now=now)
    return after


def reset_thresholds(
    state: State,
    site_id: str,
    names: Iterable[str] = NAMES,
    *,
    actor: str,
    now: datetime,
) -> list[Threshold]:
    """Put thresholds of a site back to their defaults; return those that changed.

    Raises:
        StateError: there is no such threshold.
        NotKnownError: there is no such site.
    """
    wanted = [_named(name) for name in names]
    with state.write() as connection:
        sites.require(connection, site_id)
        found = [_find(connection, site_id, name) for name in wanted]
        changed = [one for one in found if not one.is_default]
        for before in changed:
            after = default(site_id, before.name)
            connection.execute(sa.delete(thresholds).where(_is(before)))
            _audit(connection, "threshold.reset", before, after, actor=actor, now=now)
    return [default(site_id, one.name) for one in changed]


def _named(name: str) -> ThresholdName:
    for known in NAMES:
        if known == name:
            return known
    raise StateError(f"threshold {name!r}: must be one of {', '.join(DEFINITIONS)}")


def _own(connection: Connection) -> list[Threshold]:
    rows = connection.execute(sa.select(thresholds)).mappings()
    return [_threshold(row) for row in rows]


def _find(connection: Connection, site_id: str, name: ThresholdName) -> Threshold:
    known = default(site_id, name)
    query = sa.select(thresholds).where(_is(known))
    row = connection.execute(query).mappings().first()
    return known if row is None else _threshold(row)


def _replace(connection: Connection, after: Threshold) -> None:
    connection.execute(sa.delete(thresholds).where(_is(after)))
    connection.execute(
        sa.insert(thresholds).values(
            site_id=after.site_id,
            name=after.name,
            value=after.value,
            window_seconds=after.window_seconds,
        )
    )


def _is(threshold: Threshold) -> sa.ColumnElement[bool]:
    column = thresholds.c
    return sa.and_(column.site_id == threshold.site_id, column.name == threshold.name)


def _threshold(row: RowMapping) -> Threshold:
    return Threshold(
        site_id=row["site_id"],
        name=_named(row["name"]),
        value=row["value"],
        window_seconds=row["window_seconds"],
        is_default=False,
    )


def _audit(
    connection: Connection,
    action: str,
    before: Threshold,
    after: Threshold,
    *,
    actor: str,
    now: datetime,
) -> None:
    audit.append(
        connection,
        action,
        f"site:{after.site_id}",
        actor=actor,
        now=now,
        before=before,
        after=after,
    )
