"""How far each site's events, or one test's, have been analysed.

What analyses writes here from which record of the event log on it has seen nothing;
the collector reads it and counts "conversions since the last analysis" from there.
These are places in a file, not decisions, and change with every analysis, so they are
not audited; the run that wrote them is on record in Dagster.
"""

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from code24.contracts.wire import Contract
from code24.state import sites
from code24.state.store import State
from code24.state.tables import analysed

ALL_TESTS = ""
"""How the table writes "of the whole site": a key's column cannot be empty."""


class Analysed(Contract, frozen=True, kw_only=True):
    """Up to which record of a partition a site, or one of its tests, was analysed."""

    site_id: str
    test_id: str | None
    """None: all of the site's tests."""
    partition: str
    offset: int
    """The first record of the partition that was not analysed."""
    at: datetime


def record(
    state: State,
    site_id: str,
    partition: str,
    offset: int,
    now: datetime,
    *,
    test_id: str | None = None,
) -> None:
    """Note that all records of a partition before ``offset`` were analysed.

    An earlier offset than the one noted changes nothing, so that a slow worker cannot
    take back what a faster one did.

    Args:
        state: The shared state.
        site_id: Whose events were analysed.
        partition: The partition of the event log.
        offset: The first record that was not analysed, as ``committed.json`` has it.
        now: When.
        test_id: Which test was analysed; all of the site's where absent.

    Raises:
        NotKnownError: the site is not known.
    """
    entry = Analysed(
        site_id=site_id, test_id=test_id, partition=partition, offset=offset, at=now
    )
    record_all(state, [entry])


def record_all(state: State, entries: Iterable[Analysed]) -> None:
    """Note many at once, in one transaction, as ``record`` does one.

    Raises:
        NotKnownError: a site is not known; then nothing is noted.
    """
    with state.write() as connection:
        for entry in entries:
            sites.require(connection, entry.site_id)
            _record(connection, entry)


def list_analysed(state: State, site_id: str | None = None) -> list[Analysed]:
    """Return what is noted, by site, test and partition; of one site if asked."""
    column = analysed.c
    by = (column.site_id, column.test_id, column.log_partition)
    query = sa.select(analysed).order_by(*by)
    if site_id is not None:
        query = query.where(column.site_id == site_id)
    with state.read() as connection:
        return [_entry(row) for row in connection.execute(query).mappings()]


def changed_since(state: State, change_id: int) -> tuple[int, list[Analysed]]:
    """Return what was noted after a change, and the number of the last change.

    It costs what is new: one look at an index where nothing is. Start with 0.
    """
    column = analysed.c
    query = sa.select(analysed).where(column.change_id > change_id)
    with state.read() as connection:
        rows = connection.execute(query).mappings().all()
    last = max((row["change_id"] for row in rows), default=change_id)
    return last, [_entry(row) for row in rows]


def _record(connection: Connection, entry: Analysed) -> None:
    column = analysed.c
    key = {
        "site_id": entry.site_id,
        "test_id": entry.test_id or ALL_TESTS,
        "log_partition": entry.partition,
    }
    is_it = sa.and_(*(column[name] == value for name, value in key.items()))
    known = connection.execute(sa.select(column.next_offset).where(is_it)).scalar()
    if known is not None and known >= entry.offset:
        return
    values = {
        "next_offset": entry.offset,
        "analysed_at": entry.at,
        "change_id": _next_change(connection),
    }
    if known is None:
        connection.execute(sa.insert(analysed).values(key | values))
    else:
        connection.execute(sa.update(analysed).where(is_it).values(values))


def _next_change(connection: Connection) -> int:
    """Return the next number; writes take turns, so no two have the same."""
    newest = sa.select(sa.func.coalesce(sa.func.max(analysed.c.change_id), 0))
    return int(connection.execute(newest).scalar_one()) + 1


def _entry(row: RowMapping) -> Analysed:
    return Analysed(
        site_id=row["site_id"],
        test_id=row["test_id"] or None,
        partition=row["log_partition"],
        offset=row["next_offset"],
        at=row["analysed_at"],
    )
