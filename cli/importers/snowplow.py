"""Snowplow enriched events as native events: CSV, JSON lines, or the TSV stream."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from cli.importers import lines, objects, ordering, tables
from cli.importers import snowplow_columns as columns
from cli.importers import snowplow_events as events
from cli.importers.importer import (
    BadRow,
    EventRow,
    ImportFileError,
    ImportItem,
    Meter,
    Request,
)

SITE = "snowplow"
"""The site of rows that nobody says the site of."""


class _Site(NamedTuple):
    """Whose rows these are, and what stands in there for ids that say who it is."""

    site_id: str
    pseudonym: Callable[[str], str]


class Snowplow:
    """Every event of a file, or of all the CSV files in a folder.

    The rows of CSV files, which are extracts of a warehouse in any order, are yielded
    in the order they were collected in, so that of several rows with one id the first
    in the log is the first that was collected. The stream and JSON lines come in that
    order as they are.
    """

    name = "snowplow"
    about = "Snowplow enriched events: CSV, JSON lines or the stream's TSV (.gz)"
    options: Mapping[str, str] = {}

    def sniff(self, path: Path) -> bool:
        """Say whether there is a file here with Snowplow's columns."""
        return any(_form(file) is not None for file in _files(path))

    def read(self, path: Path, request: Request) -> Iterator[ImportItem]:
        """Yield one event a row; a row without id, time or visitor is a bad row."""
        site_id = request.site_id or SITE
        site = _Site(site_id, request.pseudonym(site_id))
        form = None if path.is_dir() else _form(path)
        if form == "tsv":
            yield from _stream(path, request.meter, site)
        elif form == "json":
            items = partial(_json_items, site)
            yield from objects.read(path, request.meter, items)
        else:
            yield from _in_order(path, request.meter, site)


def _files(path: Path) -> list[Path]:
    return sorted(path.glob("*.csv")) if path.is_dir() else [path]


def _form(path: Path) -> str | None:
    if set(tables.header(path)) >= columns.NEEDED:
        return "csv"
    if objects.any_has(objects.first(path), *columns.NEEDED):
        return "json"
    tabs = {line.count(b"\t") for line in lines.head(path)}
    return "tsv" if len(columns.STREAM) - 1 in tabs else None


def _stream(path: Path, meter: Meter, site: _Site) -> Iterator[ImportItem]:
    for line in lines.read(path, meter):
        source = f"{path.name}:{line.number}"
        if line.problem is not None:
            yield BadRow(line.problem, source, "")
        elif line.text.strip():
            yield _stream_item(site, source, line.text)


def _stream_item(site: _Site, source: str, text: bytes) -> ImportItem:
    try:
        row = columns.stream_row(text.decode())
    except ValueError as error:
        return BadRow(f"invalid: {error}", source, "")
    return _item(site, source, row)


def _json_items(site: _Site, source: str, row: dict[str, Any]) -> Iterator[ImportItem]:
    yield _item(site, source, row)


def _in_order(path: Path, meter: Meter, site: _Site) -> Iterator[ImportItem]:
    """Yield the rows of CSV files by when they were collected."""
    files = [file for file in _files(path) if _form(file) == "csv"]
    if not files:
        raise ImportFileError(
            f"{path}: no CSV file with the columns of Snowplow enriched events "
            "(event_id, collector_tstamp, derived_tstamp)"
        )
    rows = (row for file in files for row in tables.read(file, columns.NEEDED, meter))
    for row in ordering.by_key(rows, _collected):
        if row.problem is not None:
            yield BadRow(row.problem, row.source, events.carried(row.fields))
        else:
            yield _item(site, row.source, row.fields)


def _collected(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["collector_tstamp"], row.get("dvce_created_tstamp", "")


def _item(site: _Site, source: str, row: dict[str, Any]) -> ImportItem:
    try:
        event = events.native_event(*site, columns.spread(row))
        return EventRow(event, source)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        return BadRow(f"invalid: {error}", source, events.carried(row))


IMPORTER = Snowplow()
