"""Rows in another order than the file's, in bounded memory.

Sorted by so many at a time; each sorted part waits in a temporary file, and the parts
are merged as they are read.
"""

import heapq
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from typing import IO, Any

import msgspec

from cli.importers.tables import Row

HELD = 50_000
"""Rows in memory at most; some 200 MB of Snowplow's widest."""

Key = tuple[str, ...]
_Entry = tuple[Key, int, Row]


def by_key(
    rows: Iterable[Row],
    key: Callable[[dict[str, Any]], Key],
    held: int = HELD,
) -> Iterator[Row]:
    """Yield the rows by their key; rows of one key, and those without, as they came.

    Rows that have a problem come first.
    """
    entries = (
        (() if row.problem else key(row.fields), number, row)
        for number, row in enumerate(rows)
    )
    with ExitStack() as files:
        parts: list[Iterator[_Entry]] = []
        while part := sorted(islice(entries, held), key=_place):
            if len(part) < held:
                parts.append(iter(part))
                break
            parts.append(_spilled(files, part))
        for _, _, row in heapq.merge(*parts, key=_place):
            yield row


def _place(entry: _Entry) -> tuple[Key, int]:
    return entry[0], entry[1]


def _spilled(files: ExitStack, part: list[_Entry]) -> Iterator[_Entry]:
    file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - the stack closes it
    files.callback(file.close)
    for entry in part:
        file.write(msgspec.json.encode(entry) + b"\n")
    file.seek(0)
    return _read(file)


def _read(file: IO[bytes]) -> Iterator[_Entry]:
    decoder = msgspec.json.Decoder(tuple[tuple[str, ...], int, Row])
    for line in file:
        yield decoder.decode(line)
