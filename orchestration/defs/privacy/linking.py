"""Finding the further ids of a visitor: the units and users that are this one alone."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import msgspec

from code24.contracts.wire import encode
from code24.privacy.identity import persons_in
from code24.privacy.subject import Subject
from orchestration.defs.raw.files import event_files

MOST_LINKED = 200
"""Ids that one visitor's events may bring; more come from a program, not a person."""
MOST_LOOKS = 5
"""How often what was found is looked from again; each reads the site's rows twice."""
SIGNED_IN = ("userIdHash", "userId")
"""Metadata by which an event says whose account it belongs to."""


_ROWS = 10_000


class _Row(NamedTuple):
    """What of an event tells whose it is."""

    visitor_id: str
    metadata: dict[str, Any]
    urls: tuple[str, ...]

    @property
    def owners(self) -> frozenset[str]:
        """Return the visitor, and the account that was signed in."""
        found = (self.metadata.get(name) for name in SIGNED_IN)
        return frozenset({self.visitor_id, *(str(one) for one in found if one)})

    @property
    def persons(self) -> frozenset[str]:
        """Return all ids of persons that it names."""
        return persons_in(self.visitor_id, self.metadata, self.urls)


def with_linked_ids(subject: Subject, events: Path) -> Subject:
    """Return the visitor with the ids that its events in raw name beside its own.

    An id counts as this visitor's where no third one's event names it: a device's id
    does, the id of a computer that a family shares does not. Of an account that is the
    browsers where nobody else signed in, and what they were called by before.
    """
    if subject.is_site or not event_files(events):
        return subject
    relation = f"read_parquet('{_quoted(events)}/received_date=*/*.parquet')"
    with duckdb.connect() as connection:
        for _ in range(MOST_LOOKS):
            known, subject = subject, _with_named(connection, relation, subject)
            if known.ids == subject.ids:
                break
    return subject


def _with_named(
    connection: duckdb.DuckDBPyConnection, relation: str, subject: Subject
) -> Subject:
    """Return the visitor with what its events name and no third one's do."""
    named = _named_beside(connection, relation, subject)
    owners = _owners(connection, relation, subject.site_id, named)
    mine = (one for one in named if owners[one] <= subject.ids | {one})
    return subject.with_ids(mine)


def _named_beside(
    connection: duckdb.DuckDBPyConnection, relation: str, subject: Subject
) -> list[str]:
    rows = _naming(connection, relation, subject.site_id, subject.ids)
    own = (row for row in rows if row.owners & subject.ids)
    named = {one for row in own for one in row.persons}
    return sorted(named - subject.ids)[:MOST_LINKED]


def _owners(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    site_id: str,
    named: Collection[str],
) -> Mapping[str, set[str]]:
    """Return whose the events are that name each id."""
    wanted = frozenset(named)
    owners: dict[str, set[str]] = defaultdict(set)
    for row in _naming(connection, relation, site_id, wanted):
        for one in row.persons & wanted:
            owners[one] |= row.owners
    return owners


def _naming(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    site_id: str,
    ids: Collection[str],
) -> Iterator[_Row]:
    """Yield the rows of a site whose text holds one of the ids."""
    if not ids:
        return
    texts = "concat_ws(' ', visitor_id, metadata, url, referrer)"
    words = sorted({*ids, *(encode(one).decode()[1:-1] for one in ids)})
    conditions = " or ".join([f"contains({texts}, ?)"] * len(words))
    found = connection.execute(
        f"select distinct visitor_id, metadata, url, referrer from {relation} "  # noqa: S608
        f"where site_id = ? and ({conditions})",
        [site_id, *words],
    )
    while batch := found.fetchmany(_ROWS):
        yield from map(_row, batch)


def _row(values: tuple[Any, ...]) -> _Row:
    visitor_id, metadata, url, referrer = values
    fields = msgspec.json.decode(metadata, type=dict[str, Any])
    return _Row(visitor_id, fields, (url or "", referrer or ""))


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
