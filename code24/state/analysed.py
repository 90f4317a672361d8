"""How far each site's events, or one test's, have been analysed.

What analyses writes here from which record of the event log on it has seen nothing;
the collector reads it and counts "conversions since the last analysis" from there.
These are places in a file, not decisions, and change with every analysis, so they are
not audited; the run that wrote them is on record in Dagster.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from code24.contracts.wire import Contract
from code24.state import sites
from code24.state.store import State
from code24.state.tables import analysed

ALL_TESTS = ""
"""How the table writes "of the whole site": a key's column cannot be empty."""

Key = tuple[str, str, str]
"""Site, test (or ``ALL_TESTS``) and partition."""


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
    wanted = {_key(entry): entry for entry in sorted(entries, key=_offset)}
    with state.write() as connection:
        _require_sites(connection, {site_id for site_id, *_ in wanted})
        known = _offsets(connection)
        further = {
            key: entry
            for key, entry in wanted.items()
            if entry.offset > known.get(key, -1)
        }
        _write(connection, further, known.keys())


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


def _offset(entry: Analysed) -> int:
    return entry.offset


def _key(entry: Analysed) -> Key:
    return entry.site_id, entry.test_id or ALL_TESTS, entry.partition


def _require_sites(connection: Connection, wanted: Collection[str]) -> None:
    unknown = sorted(set(wanted) - sites.known_ids(connection))
    if unknown:
        sites.require(connection, unknown[0])


def _offsets(connection: Connection) -> dict[Key, int]:
    """Return what is noted of every site: a row each, of a test two."""
    column = analysed.c
    names = (column.site_id, column.test_id, column.log_partition)
    rows = connection.execute(sa.select(*names, column.next_offset))
    return {(site, test, partition): n for site, test, partition, n in rows}


def _write(
    connection: Connection, further: Mapping[Key, Analysed], known: Collection[Key]
) -> None:
    """Write each under a number of its own, the rows that are there and those not."""
    fresh: list[dict[str, object]] = []
    moved: list[dict[str, object]] = []
    for number, (key, entry) in enumerate(
        further.items(), _newest_change(connection) + 1
    ):
        row = {
            **dict(zip(_KEY, key, strict=True)),
            "next_offset": entry.offset,
            "analysed_at": entry.at,
            "change_id": number,
        }
        (moved if key in known else fresh).append(row)
    if fresh:
        connection.execute(sa.insert(analysed), fresh)
    if moved:
        connection.execute(_MOVE, [_as_bound(row) for row in moved])


_KEY = ("site_id", "test_id", "log_partition")
_MOVE = (
    sa.update(analysed)
    .where(*(analysed.c[name] == sa.bindparam(f"of_{name}") for name in _KEY))
    .values(
        {
            name: sa.bindparam(f"to_{name}", type_=analysed.c[name].type)
            for name in ("next_offset", "analysed_at", "change_id")
        }
    )
)


def _as_bound(row: Mapping[str, object]) -> dict[str, object]:
    return {
        f"{'of' if name in _KEY else 'to'}_{name}": value for name, value in row.items()
    }


def _newest_change(connection: Connection) -> int:
    """Return the last number; writes take turns, so no two have the same."""
    newest = sa.select(sa.func.coalesce(sa.func.max(analysed.c.change_id), 0))
    return int(connection.execute(newest).scalar_one())


def _entry(row: RowMapping) -> Analysed:
    return Analysed(
        site_id=row["site_id"],
        test_id=row["test_id"] or None,
        partition=row["log_partition"],
        offset=row["next_offset"],
        at=row["analysed_at"],
    )
