"""Finding the further ids of a visitor: the units and users that are this one alone."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from code24.privacy.identity import persons_in
from code24.privacy.subject import Subject
from orchestration.defs.raw.files import event_files

MOST_LINKED = 200
"""Ids that one visitor's events may bring; more come from a program, not a person."""


def with_linked_ids(subject: Subject, events: Path) -> Subject:
    """Return the visitor with the ids that its events in raw name beside its own.

    An id counts as this visitor's where no third one's event names it: a device's id
    does, the id of a computer that a family shares does not.
    """
    if subject.is_site or not event_files(events):
        return subject
    relation = f"read_parquet('{_quoted(events)}/received_date=*/*.parquet')"
    with duckdb.connect() as connection:
        named = _named_beside(connection, relation, subject)
        owners = _owners(connection, relation, subject.site_id, named)
    mine = {one for one in named if owners.get(one, set()) <= {subject.asked, one}}
    return subject.with_ids(mine)


def _named_beside(
    connection: duckdb.DuckDBPyConnection, relation: str, subject: Subject
) -> list[str]:
    found = connection.execute(
        f"select visitor_id, metadata, url, referrer from {relation} "  # noqa: S608
        "where site_id = ? and visitor_id = ?",
        [subject.site_id, subject.asked],
    )
    named = {one for row in found.fetchall() for one in _persons(row)}
    return sorted(named - {subject.asked})[:MOST_LINKED]


def _owners(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    site_id: str,
    named: Iterable[str],
) -> Mapping[str, set[str]]:
    """Return the visitors whose events name each id."""
    wanted = set(named)
    owners: dict[str, set[str]] = defaultdict(set)
    if not wanted:
        return owners
    texts = "concat_ws(' ', visitor_id, metadata, url, referrer)"
    conditions = " or ".join([f"contains({texts}, ?)"] * len(wanted))
    found = connection.execute(
        f"select distinct visitor_id, metadata, url, referrer from {relation} "  # noqa: S608
        f"where site_id = ? and ({conditions})",
        [site_id, *(msgspec.json.encode(one).decode()[1:-1] for one in wanted)],
    )
    for row in found.fetchall():
        for one in _persons(row) & wanted:
            owners[one].add(row[0])
    return owners


def _persons(row: tuple[Any, ...]) -> frozenset[str]:
    visitor_id, metadata, url, referrer = row
    fields = msgspec.json.decode(metadata, type=dict[str, Any])
    return persons_in(visitor_id, fields, (url or "", referrer or ""))


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
