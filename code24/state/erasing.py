"""What the shared state itself holds of a visitor or a site, and removing it.

The decision log and the audit log are append-only and stay: they say who decided what
about which test, name no visitor, and are what shows afterwards that the rules were
kept. Of an erased site its id stays, so that these logs still refer to something and
the id never names another site; its host and keys are replaced.
"""

import secrets
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from code24.state import audit
from code24.state import tables as t
from code24.state.store import State

_QUOTING: dict[str, tuple[str, ...]] = {
    "optimization_jobs": ("payload", "result_data", "error_message"),
    "messages": ("payload",),
    "approvals": ("proposal",),
    "imports": ("source",),
}
"""Columns that hold what others wrote, by table; none is meant to name a visitor."""
_BLANK: dict[str, Any] = {"payload": {}, "proposal": {}, "source": "erased"}
_KEPT = frozenset(
    {"sites", "ab_tests", "decisions", "erasures", "erased_sites", "past_experiments"}
)
_OF_SITE = tuple(
    table
    for table in reversed(t.metadata.sorted_tables)
    if "site_id" in table.c and table.name not in _KEPT
)
"""Tables of which an erased site's rows go, those that refer to others first."""


_OF_TEST = tuple(
    table
    for table in reversed(t.metadata.sorted_tables)
    if "test_id" in table.c and "site_id" not in table.c
)
"""Tables of which an undecided test's rows go with it."""


def quoting_rows(state: State, is_meant: Callable[[str], bool]) -> int:
    """Count rows in which free text is meant, as ``is_meant`` says of the text."""
    with state.read() as connection:
        return sum(1 for _ in _quoting(connection, is_meant))


def blank_quotes(state: State, is_meant: Callable[[str], bool]) -> int:
    """Empty the free text of those rows; return how many there were."""
    with state.write() as connection:
        found = list(_quoting(connection, is_meant))
        for table, key, columns in found:
            values = {name: _BLANK.get(name) for name in columns}
            primary = next(iter(table.primary_key.columns))
            connection.execute(sa.update(table).where(primary == key).values(values))
    return len(found)


def site_rows(state: State, site_id: str, *, keep_past: bool) -> dict[str, int]:
    """Count what would be removed of a site, by table; nothing once it is erased."""
    with state.read() as connection:
        counts = {
            table.name: _count(connection, table, site_id)
            for table in _removed(keep_past)
        }
        is_erased = _is_erased(connection, site_id)
        counts["sites"] = 0 if is_erased else _count(connection, t.sites, site_id)
        return counts


def erase_site(
    state: State, site_id: str, *, keep_past: bool, actor: str, now: datetime
) -> dict[str, int]:
    """Remove a site, but for its id and the decisions about its tests.

    Args:
        state: The shared state.
        site_id: The site.
        keep_past: Whether its finished tests, which are counts of visitors and name
            none, go on informing the priors.
        actor: Who asks.
        now: When.
    """
    counts = site_rows(state, site_id, keep_past=keep_past)
    with state.write() as connection:
        for table in _removed(keep_past):
            connection.execute(sa.delete(table).where(table.c.site_id == site_id))
        _erase_tests(connection, site_id, now)
        if counts["sites"]:
            _erase_site(connection, site_id, actor, now)
    return counts


def _removed(keep_past: bool) -> tuple[sa.Table, ...]:
    return _OF_SITE if keep_past else (*_OF_SITE, t.past_experiments)


def _count(connection: Connection, table: sa.Table, site_id: str) -> int:
    query = sa.select(sa.func.count()).select_from(table)
    found = connection.execute(query.where(table.c.site_id == site_id))
    return int(found.scalar_one())


def _is_erased(connection: Connection, site_id: str) -> bool:
    column = t.erased_sites.c.site_id
    return (
        connection.execute(sa.select(column).where(column == site_id)).first()
        is not None
    )


def _erase_tests(connection: Connection, site_id: str, now: datetime) -> None:
    """Delete tests that nothing was decided about; take the words out of the others."""
    test = t.ab_tests.c
    decided = sa.select(t.decisions.c.test_id)
    undecided = sa.select(test.id).where(
        test.site_id == site_id, test.id.not_in(decided)
    )
    for table in _OF_TEST:
        connection.execute(sa.delete(table).where(table.c.test_id.in_(undecided)))
    connection.execute(
        sa.delete(t.ab_tests).where(test.site_id == site_id, test.id.not_in(decided))
    )
    kept = sa.select(test.id, test.variants, test.end_date).where(
        test.site_id == site_id
    )
    for row in connection.execute(kept).mappings().all():
        values = {
            "variants": [_wordless(variant) for variant in row["variants"]],
            "status": "complete",
            "end_date": row["end_date"] or now,
        }
        query = sa.update(t.ab_tests).where(test.id == row["id"])
        connection.execute(query.values(values))


def _wordless(variant: dict[str, Any]) -> dict[str, Any]:
    name = variant["variantId"]
    return {"variantId": name, "name": name, "value": None, "changes": []}


def _erase_site(
    connection: Connection, site_id: str, actor: str, now: datetime
) -> None:
    subject = f"site:{site_id}"
    change_id = audit.append(connection, "site.erase", subject, actor=actor, now=now)
    token = secrets.token_hex(16)
    query = sa.update(t.sites).where(t.sites.c.site_id == site_id)
    connection.execute(
        query.values(
            host=f"{token}.invalid",
            write_key=f"erased_{token}",
            client_key=f"erased_{token}",
            change_id=change_id,
        )
    )
    connection.execute(sa.insert(t.erased_sites).values(site_id=site_id, erased_at=now))


def _quoting(
    connection: Connection, is_meant: Callable[[str], bool]
) -> Iterator[tuple[sa.Table, Any, tuple[str, ...]]]:
    for name, columns in _QUOTING.items():
        table = t.metadata.tables[name]
        key = next(iter(table.primary_key.columns))
        texts = [sa.cast(table.c[column], sa.Text) for column in columns]
        for row in connection.execute(sa.select(key, *texts)).all():
            if any(text and is_meant(text) for text in row[1:]):
                yield table, row[0], columns
