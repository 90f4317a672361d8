"""Exports of Segment and RudderStack: raw calls, or rows of their warehouse tables."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

from cli.importers import moments, objects
from cli.importers.importer import (
    BadRow,
    EventRow,
    ImportItem,
    Request,
    required_site,
)
from cli.importers.lines import SHOWN
from code24.protocols.segment import native_event, refused_call

TABLES = {
    "tracks": "track",
    "pages": "page",
    "screens": "screen",
    "identifies": "identify",
    "groups": "group",
    "aliases": "alias",
}
"""A warehouse table's name → the type of its rows."""
FIELDS = {
    "id": "messageId",
    "message_id": "messageId",
    "anonymous_id": "anonymousId",
    "user_id": "userId",
    "group_id": "groupId",
    "previous_id": "previousId",
    "timestamp": "timestamp",
    "original_timestamp": "originalTimestamp",
    "received_at": "receivedAt",
    "sent_at": "sentAt",
    "type": "type",
    "event": "event",
    "event_text": "event",
    "category": "category",
}
"""A column of every table → the call's field; ``event_text`` has the name as sent."""
LOADING = frozenset({"uuid", "uuid_ts", "loaded_at", "rudder_id", "channel"})
"""Columns of the loaders, which say nothing of the event."""
GROUPS = ("page", "campaign", "library", "screen", "app", "location", "device", "os")
"""Objects within the context, as the columns' names join them."""
TIMES = ("timestamp", "originalTimestamp", "receivedAt", "sentAt")


class SegmentExport:
    """One call a line, raw or flattened, or a batch of calls a line."""

    name = "segment"
    about = "Segment or RudderStack export (JSON lines), raw calls or warehouse rows"
    options: Mapping[str, str] = {
        "type": "what rows of a warehouse table are (track for tracks.jsonl, …)"
    }

    def sniff(self, path: Path) -> bool:
        """Say whether the first lines are calls, batches of them, or flat rows."""
        found = objects.first(path)
        is_raw = objects.any_has(found, "messageId", "type")
        is_batch = objects.any_has(found, "batch")
        return is_raw or is_batch or any(_is_flat(row) for row in found)

    def read(self, path: Path, request: Request) -> Iterator[ImportItem]:
        """Yield one event a call."""
        site_id = required_site(request, path)
        table = request.options.get("type") or _type_of(path)
        site = _Site(site_id, request.pseudonym(site_id))
        items = partial(_items, site, table)
        yield from objects.read(path, request.meter, items)


class _Site(NamedTuple):
    """Whose calls these are, and what stands in for ids that say who it is."""

    site_id: str
    pseudonym: Callable[[str], str]


def _items(
    site: _Site,
    table: str | None,
    source: str,
    row: dict[str, Any],
) -> Iterator[ImportItem]:
    if isinstance(row.get("batch"), list):
        shared = {"sentAt": row.get("sentAt"), "context": row.get("context")}
        calls = [_completed(call, shared) for call in row["batch"]]
    else:
        calls = [_call(row, table) if _is_flat(row) else row]
    for call in calls:
        yield _item(site, source, call)


def _completed(call: Any, shared: Mapping[str, Any]) -> Any:
    return {**shared, **call} if isinstance(call, dict) else call


def _item(site: _Site, source: str, call: Any) -> ImportItem:
    """Return the event of one call; a bad one costs no other of its batch."""
    try:
        if not isinstance(call, dict):
            raise TypeError(f"a call must be an object, not {type(call).__name__}")  # noqa: TRY301
        return EventRow(native_event(_with_zones(call), *site), source)
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        shown = refused_call(call, site.pseudonym)[:SHOWN].decode(errors="replace")
        return BadRow(f"invalid: {error}", source, shown)


def _is_flat(row: Mapping[str, Any]) -> bool:
    return "anonymous_id" in row and bool({"id", "message_id"} & row.keys())


def _call(row: Mapping[str, Any], table: str | None) -> dict[str, Any]:
    """Return the call that a warehouse row was."""
    call: dict[str, Any] = {}
    context: dict[str, Any] = {}
    properties: dict[str, Any] = {}
    for column, value in row.items():
        if value is None or column in LOADING:
            continue
        if column.startswith("context_"):
            _place(context, column.removeprefix("context_"), value)
        elif column in FIELDS:
            call[FIELDS[column]] = value
        else:
            properties[column] = value
    kind = call.get("type") or table or _kind(call, row)
    named = "traits" if kind in {"identify", "group"} else "properties"
    return {**call, "type": kind, "context": context, named: properties}


def _kind(call: Mapping[str, Any], row: Mapping[str, Any]) -> str | None:
    """Tell a row's type by what only it has."""
    if call.get("event"):
        return "track"
    return "page" if "url" in row or "path" in row else None


def _place(context: dict[str, Any], name: str, value: Any) -> None:
    group, _, field = name.partition("_")
    if group in GROUPS and field:
        context.setdefault(group, {})[_camel(field)] = value
    else:
        context[_camel(name)] = value


@cache
def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _with_zones(call: Mapping[str, Any]) -> dict[str, Any]:
    """Give the times of warehouses, which are UTC, their zone.

    Numbers are left to the mapping, which reads them as at the live door.
    """
    texts = {n: call[n] for n in TIMES if call.get(n) and isinstance(call[n], str)}
    return {**call, **{name: moments.text(one) for name, one in texts.items()}}


def _type_of(path: Path) -> str | None:
    return TABLES.get(path.name.partition(".")[0].lower())


IMPORTER = SegmentExport()
