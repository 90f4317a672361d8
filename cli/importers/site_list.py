"""A list of sites, CSV or JSON lines: every line checked before any site is added."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast, get_args

import msgspec

from cli.importers import objects, tables
from cli.importers.importer import BadRow, EventRow, ImportFileError, ImportItem, Meter
from code24.contracts.site import Site
from code24.contracts.wire import Contract, GoalType
from code24.state import StateError
from code24.state.checked import checked

NEEDED = ("site_id", "host", "goals")
COLUMNS = (*NEEDED, "vertical")
VERTICAL = "general"


class SiteLine(Contract, frozen=True, kw_only=True):
    """One line of the list, and what it comes to."""

    line: str
    """``file:line``."""
    site_id: str
    host: str = ""
    vertical: str = VERTICAL
    goals: tuple[str, ...] = ()
    outcome: Literal["new", "there", "refused"] = "new"
    reason: str | None = None
    """Why it is refused."""


def read(path: Path, known: Sequence[Site]) -> list[SiteLine]:
    """Return each line of the file and what it comes to beside the known sites.

    Raises:
        ImportFileError: the file cannot be read, or its columns are others.
    """
    rows = _json_rows(path) if _is_json(path) else _csv_rows(path)
    there = _Names(
        {one.site_id: one for one in known}, {one.host: one for one in known}
    )
    before = _Names({}, {})
    found: list[SiteLine] = []
    for source, row in rows:
        line = row if isinstance(row, SiteLine) else _line(source, row)
        line = _judged(line, before, there)
        if line.outcome != "refused":
            before.ids[line.site_id] = before.hosts[line.host] = line
        found.append(line)
    return found


class _Names(NamedTuple):
    """Sites or lines by their id and by their host."""

    ids: dict[str, Any]
    hosts: dict[str, Any]


def _is_json(path: Path) -> bool:
    return path.name.removesuffix(".gz").endswith((".json", ".jsonl", ".ndjson"))


def _csv_rows(path: Path) -> Iterator[tuple[str, dict[str, Any] | SiteLine]]:
    names = tables.header(path)
    others = sorted(set(names) - set(COLUMNS))
    if others:
        raise ImportFileError(
            f"{path}: column {', '.join(others)} is not known; there are "
            f"{', '.join(COLUMNS)}"
        )
    for row in tables.read(path, NEEDED, Meter()):
        yield (
            row.source,
            (row.fields if row.problem is None else _refused(row.source, row.problem)),
        )


def _json_rows(path: Path) -> Iterator[tuple[str, dict[str, Any] | SiteLine]]:
    for item in objects.read(path, Meter(), _passed):
        if isinstance(item, EventRow) and isinstance(item.body, dict):
            body = dict(item.body)
            body.setdefault("site_id", body.pop("siteId", None))
            yield item.source, body
        elif isinstance(item, BadRow):
            yield item.source, _refused(item.source, item.reason)


def _passed(source: str, row: dict[str, Any]) -> Iterator[ImportItem]:
    yield EventRow(row, source)


def _line(source: str, row: dict[str, Any]) -> SiteLine:
    others = sorted(row.keys() - set(COLUMNS))
    if others:
        return _refused(source, f"{', '.join(others)} is not known")
    missing = [name for name in NEEDED if not row.get(name)]
    if missing:
        return _refused(source, f"no {', '.join(missing)}", str(row.get("site_id")))
    goals = row["goals"]
    listed = goals.split() if isinstance(goals, str) else goals
    return SiteLine(
        line=source,
        site_id=str(row["site_id"]).strip(),
        host=str(row["host"]).strip().lower(),
        vertical=str(row.get("vertical") or VERTICAL).strip(),
        goals=tuple(str(goal) for goal in listed),
    )


def _refused(source: str, reason: str, site_id: str = "") -> SiteLine:
    return SiteLine(line=source, site_id=site_id, outcome="refused", reason=reason)


def _judged(line: SiteLine, before: _Names, there: _Names) -> SiteLine:
    if line.outcome == "refused":
        return line
    reason = _fault(line) or _twice(line, before) or _clash(line, there)
    if reason is not None:
        return _refused(line.line, reason, line.site_id)
    if line.site_id in there.ids:
        return msgspec.structs.replace(line, outcome="there")
    return line


def _fault(line: SiteLine) -> str | None:
    for goal in line.goals:
        if goal not in get_args(GoalType):
            known = ", ".join(get_args(GoalType))
            return f"goal {goal!r}: must be one of {known}"
    try:
        checked(
            Site(
                site_id=line.site_id,
                host=line.host,
                vertical=line.vertical,
                goals=cast("tuple[GoalType, ...]", line.goals),
                write_key="wk",
                client_key="ck",
            )
        )
    except (StateError, ValueError) as error:
        return str(error)
    return None


def _twice(line: SiteLine, before: _Names) -> str | None:
    other = before.ids.get(line.site_id) or before.hosts.get(line.host)
    if other is None:
        return None
    return f"site {line.site_id!r} or its host stands in {other.line} already"


def _clash(line: SiteLine, there: _Names) -> str | None:
    site = there.ids.get(line.site_id)
    if site is not None:
        same = (site.host, site.vertical, site.goals)
        if same != (line.host, line.vertical, line.goals):
            return f"site {line.site_id!r} is there and differs: code24 site show"
        return None
    other = there.hosts.get(line.host)
    return other and f"host {line.host!r} is site {other.site_id!r} already"
