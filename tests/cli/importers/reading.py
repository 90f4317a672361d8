"""What the importers' tests share: reading a file whole, by kind of item."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeVar

import msgspec

from cli.importers.importer import (
    BadRow,
    EventRow,
    Importer,
    ImportItem,
    Request,
)
from code24.contracts.event import Event

Kind = TypeVar("Kind", bound=ImportItem)


def read(
    importer: Importer,
    path: Path,
    site_id: str | None = "shop",
    options: Mapping[str, str] | None = None,
) -> list[ImportItem]:
    return list(importer.read(path, Request(site_id, options or {})))


def only(kind: type[Kind], items: Iterable[ImportItem]) -> list[Kind]:
    return [item for item in items if isinstance(item, kind)]


def events(items: Iterable[ImportItem]) -> list[Event]:
    rows = only(EventRow, items)
    return [
        msgspec.json.decode(row.body, type=Event)
        if isinstance(row.body, bytes)
        else msgspec.convert(row.body, Event)
        for row in rows
    ]


def reasons(items: Iterable[ImportItem]) -> dict[str, str]:
    return {row.source: row.reason for row in only(BadRow, items)}
