"""Any table, CSV or Parquet, read by a mapping file."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from cli.importers import mapping as mappings
from cli.importers import tables
from cli.importers.importer import (
    EventRow,
    ImportFileError,
    ImportItem,
    Request,
)
from code24.personal import unit_of
from code24.privacy.identity import is_person_field

Pseudonyms = Callable[[str], Callable[[str], str]]
"""Returns a site's: what stands in for a person's id."""
TABLES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet", ".txt")


class MappedTable:
    """One event a row."""

    name = "mapped"
    about = "Any table (CSV or Parquet), an event a row, by a mapping file"
    options: Mapping[str, str] = {
        "mapping": "the mapping file (the one beside it: TABLE.mapping.toml or .json)"
    }

    def sniff(self, path: Path) -> bool:
        """Say whether a mapping lies beside this table."""
        return path.name.endswith(TABLES) and mappings.beside(path) is not None

    def read(self, path: Path, request: Request) -> Iterator[ImportItem]:
        """Yield an event a row; one that is not as the mapping says is a bad row."""
        mapping = mappings.load(_mapping_file(path, request))
        columns = mapping.columns
        if "siteId" not in {*mapping.fields, *mapping.constants}:
            _require_site(path, request)
        rows = tables.read(path, columns, request.meter, mapping.delimiter)
        pseudonyms = cache(request.pseudonym)
        for row in rows:
            yield _item(mapping, row, request.site_id, pseudonyms)


def _mapping_file(path: Path, request: Request) -> Path:
    named = request.options.get("mapping")
    found = Path(named) if named else mappings.beside(path)
    if found is None:
        raise ImportFileError(
            f"{path}: which column is what? Add --option mapping=FILE, or put "
            f"{path.name}{mappings.SUFFIXES[0]} beside it"
        )
    return found


def _require_site(path: Path, request: Request) -> None:
    if request.site_id is None:
        raise ImportFileError(
            f"{path}: whose rows are these? Add --site SITE, or siteId to the mapping"
        )


def _item(
    mapping: mappings.Mapping,
    row: tables.Row,
    site_id: str | None,
    pseudonyms: Pseudonyms,
) -> ImportItem:
    if row.problem is not None:
        return row.bad(row.problem)
    try:
        tables.check_text(row.fields)
        event = _event(mapping, row.fields, site_id)
        return EventRow(_without_addresses(event, pseudonyms), row.source)
    except (ValueError, TypeError, OverflowError) as error:
        used = {n: v for n, v in row.fields.items() if n in mapping.columns}
        return row._replace(fields=used).bad(f"invalid: {error}")


def _event(
    mapping: mappings.Mapping, row: dict[str, Any], site_id: str | None
) -> dict[str, Any]:
    event: dict[str, Any] = {"siteId": site_id, **mapping.constants}
    for field, column in mapping.fields.items():
        value = row[column]
        if value not in (None, ""):
            event[field] = _converted(mapping, field, column, value)
    metadata = {
        name: row[column]
        for name, column in mapping.metadata.items()
        if row[column] not in (None, "")
    }
    kind = _kind(mapping, row, event, metadata)
    return {**event, **kind, "metadata": metadata}


def _without_addresses(event: dict[str, Any], pseudonyms: Pseudonyms) -> dict[str, Any]:
    """Return the event with what stands in for ids that say who somebody is."""
    pseudonym = pseudonyms(event.get("siteId") or "")

    def unit(value: Any) -> str:
        return unit_of(str(value), pseudonym)

    metadata = {
        name: unit(value) if is_person_field(name) else value
        for name, value in event["metadata"].items()
    }
    visitor = event.get("visitorId")
    named = {} if visitor is None else {"visitorId": unit(visitor)}
    return {**event, **named, "metadata": metadata}


def _converted(mapping: mappings.Mapping, field: str, column: str, value: Any) -> Any:
    try:
        if field in {"timestamp", "sentAt"}:
            return mappings.moment(mapping, value)
        if field == "conversionValue":
            return mappings.amount(mapping, value)
    except (ValueError, TypeError, OverflowError) as error:
        raise ValueError(f"{column}: {error}") from error
    return str(value)


def _kind(
    mapping: mappings.Mapping,
    row: dict[str, Any],
    event: dict[str, Any],
    metadata: dict[str, Any],
) -> dict[str, Any]:
    """Return type and goal where the mapping's goals say them."""
    if mapping.goals is None:
        return {}
    goal = mappings.goal(mapping, row)
    if goal is not None:
        return {"eventType": "conversion", "goalType": goal}
    metadata.setdefault("name", str(row[mapping.goals.column]) or "unnamed")
    event.pop("conversionValue", None)
    return {"eventType": event.get("eventType", "interaction")}


IMPORTER = MappedTable()
