"""Rows of a file of JSON objects, one a line."""

from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from cli.importers import lines
from cli.importers.importer import (
    BadRow,
    ImportFileError,
    ImportItem,
    Meter,
)
from code24.protocols.mending import mended_json

ONE_ARRAY = "is one JSON array; make it an object a line: jq -c '.[]'"
Object = dict[str, Any]
_decoder = msgspec.json.Decoder(dict[str, Any])


def read(
    path: Path, meter: Meter, items: Callable[[str, Object], Iterator[ImportItem]]
) -> Iterator[ImportItem]:
    """Yield what ``items`` makes of each ``file:line`` and its object.

    A line that holds none, and one of which ``items`` raises ``ValueError``,
    ``TypeError`` or ``KeyError``, is a bad row.

    Raises:
        ImportFileError: nothing of the file can be read, or it is one JSON array.
    """
    for line in lines.read(path, meter):
        if line.problem is not None:
            yield line.bad(path, line.problem)
        elif line.text.strip():
            yield from _items(path, line, items)


def _items(
    path: Path,
    line: lines.Line,
    items: Callable[[str, Object], Iterator[ImportItem]],
) -> Iterator[ImportItem]:
    found = _decoded(path, line)
    if isinstance(found, BadRow):
        yield found
        return
    try:
        made = list(items(f"{path.name}:{line.number}", found))
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        yield line.bad(path, f"invalid: {error}")
        return
    yield from made


def first(path: Path) -> list[Object]:
    """Return the objects among a file's first lines, for sniffing."""
    found = []
    for line in lines.head(path):
        try:
            found.append(_decoder.decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
    return found


def any_has(found: Collection[Mapping[str, Any]], *names: str) -> bool:
    """Say whether one of the objects has all of these fields."""
    return any(set(names) <= one.keys() for one in found)


def _decoded(path: Path, line: lines.Line) -> Object | BadRow:
    if line.number == 1 and line.text.lstrip().startswith(b"["):
        raise ImportFileError(f"{path}: {ONE_ARRAY}")
    try:
        return _read(line.text)
    except msgspec.ValidationError:
        return line.bad(path, "invalid: the line holds no JSON object")
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return line.bad(path, f"bad_json: {error}")
    except RecursionError:
        return line.bad(path, "too_deep: the line is nested without end")


def _read(text: bytes) -> Object:
    """Decode a line; one that is nearly JSON is mended, as at the live door."""
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, RecursionError):
        mended = mended_json(text)
        if mended is None:
            raise
        return _decoder.decode(mended)
