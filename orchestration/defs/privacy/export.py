"""All that is held of one visitor, for a request of access."""

import os
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from code24 import event_log
from code24.audience import open_audience
from code24.audience.layout import AudienceLayout
from code24.contracts.audience import Member
from code24.contracts.event import DeadLetter, removed_on
from code24.contracts.wire import encode
from code24.errors import Code24Error
from code24.intake import dead_folder
from code24.privacy.subject import Subject
from code24.releases.keys import VERIFY_KEY, load_public
from code24.settings import Settings
from code24.state import State, erasures
from orchestration.defs.privacy.linking import with_linked_ids
from orchestration.defs.privacy.rows import matching
from orchestration.defs.privacy.stores.warehouse import has_table
from orchestration.defs.raw.drain import drain
from orchestration.resources import turn
from orchestration.warehouse import Warehouse

FORMAT = "code24.visitor-export/1"
_BY_PERSON = {
    "sessions": ("marts.fct_sessions", "visitor_id"),
    "exposures": ("marts.fct_exposures", "unit_id"),
    "conversions": ("marts.fct_conversions", "visitor_id"),
    "profile": ("marts.dim_visitors", "visitor_id"),
}
"""What the warehouse made of the events: section, table, and whose rows."""


def write_export(
    settings: Settings, state: State, subject: Subject, output: Path
) -> dict[str, int]:
    """Write one JSON document, readable by its owner alone; return rows by section.

    Raises:
        Code24Error: the file is there already, or a store cannot be read.
    """
    document = collect(settings, state, subject)
    content = msgspec.json.format(encode(document), indent=2)
    try:
        with open(output, "xb", opener=_private) as file:
            file.write(content)
    except FileExistsError:
        raise Code24Error(f"{output}: is there already; name another file") from None
    except OSError as error:
        raise Code24Error(f"{output}: cannot be written: {error.strerror}") from error
    sections = ("events", *_BY_PERSON, "audience", "refused")
    return {section: len(document[section]) for section in sections}


def collect(settings: Settings, state: State, subject: Subject) -> dict[str, Any]:
    """Return the document; ``docs/privacy.md`` describes it."""
    with turn(settings):
        drain(settings.log, settings.raw, erased=erasures.erased(state))
        subject = with_linked_ids(subject, settings.raw / "events")
        return {
            "format": FORMAT,
            "siteId": subject.site_id,
            "visitorId": subject.asked,
            "ids": sorted(subject.ids),
            "exportedAt": datetime.now(UTC),
            "events": _events(settings.raw / "events", subject),
            **_of_warehouse(settings, subject),
            "audience": _audience(settings, subject),
            "refused": _refused(settings, subject),
        }


def _events(events: Path, subject: Subject) -> list[dict[str, Any]]:
    files = str(events).replace("'", "''")
    relation = (
        f"read_parquet('{files}/received_date=*/*.parquet', hive_partitioning = false)"
    )
    with duckdb.connect() as connection:
        keys = matching(connection, relation, subject)
        connection.execute(
            "create table mine (log_partition varchar, log_offset bigint)"
        )
        if keys:
            connection.executemany("insert into mine values (?, ?)", keys)
        found = connection.sql(
            f"select events.* from {relation} as events "  # noqa: S608
            "inner join mine using (log_partition, log_offset) "
            "order by event_at, log_partition, log_offset"
        )
        rows = _rows(found)
    return [{**row, "metadata": msgspec.Raw(row["metadata"].encode())} for row in rows]


def _of_warehouse(settings: Settings, subject: Subject) -> dict[str, Any]:
    if not settings.warehouse.exists():
        return {section: [] for section in _BY_PERSON}
    with Warehouse(settings.warehouse).connect() as connection:
        return {
            section: _theirs(connection, table, column, subject)
            for section, (table, column) in _BY_PERSON.items()
        }


def _theirs(
    connection: duckdb.DuckDBPyConnection, table: str, column: str, subject: Subject
) -> list[dict[str, Any]]:
    if not has_table(connection, table):
        return []
    found = connection.sql(
        f"select * from {table} "  # noqa: S608
        f"where site_id = $site and list_contains($ids, {column}) order by all",
        params={"site": subject.site_id, "ids": sorted(subject.ids)},
    )
    return _rows(found)


def _rows(found: duckdb.DuckDBPyRelation) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = found.to_arrow_table().to_pylist()
    return rows


def _audience(settings: Settings, subject: Subject) -> list[Member]:
    layout = AudienceLayout(settings.releases, subject.site_id)
    public = settings.keys / VERIFY_KEY
    if not public.exists():
        return []
    audience = open_audience(layout, load_public(public))
    if audience is None:
        return []
    with closing(audience):
        found = map(audience.find, sorted(subject.hashes))
        return [member for member in found if member is not None]


def _refused(settings: Settings, subject: Subject) -> list[DeadLetter]:
    dead = dead_folder(settings.log)
    letters = (
        msgspec.json.decode(record.payload, type=DeadLetter)
        for name in event_log.partitions(dead)
        for record in event_log.read(dead, name, event_log.start_offset(dead, name))
        if removed_on(record.payload) is None
    )
    return [letter for letter in letters if subject.owns_letter(letter)]


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
