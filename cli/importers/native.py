"""Events as Code24 itself takes them, one JSON object a line."""

import gzip
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, cast

from cli.importers.importer import (
    BadRow,
    EventRow,
    ImportFileError,
    ImportItem,
    Request,
)
from code24.contracts.event import MAX_EVENT_BYTES

LONGEST_LINE = 1 << 20
"""What is read of one line at most; a longer one is refused, its rest skipped."""
SUFFIXES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")


class NativeEvents:
    """One event a line; blank lines are skipped."""

    name = "events"
    about = "Native events, one JSON object a line (.jsonl, .jsonl.gz), as they are"
    options: Mapping[str, str] = {}

    def sniff(self, path: Path) -> bool:
        """Say whether the name is that of a file of JSON lines."""
        return path.name.endswith(SUFFIXES)

    def read(self, path: Path, request: Request) -> Iterator[ImportItem]:
        """Yield each line; of a truncated archive, what could be read of it."""
        del request
        number = 0
        try:
            with _open(path) as file:
                for number, line in enumerate(_lines(file), start=1):
                    if line.strip():
                        yield _item(line, f"{path.name}:{number}")
        except (OSError, EOFError, zlib.error) as error:
            if number == 0:
                raise ImportFileError(f"{path}: cannot be read: {error}") from error
            yield BadRow(f"truncated: {error}", f"{path.name}:{number + 1}", "")


def _open(path: Path) -> IO[bytes]:
    if path.suffix == ".gz":
        return cast("IO[bytes]", gzip.open(path, "rb"))
    return path.open("rb")


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    while line := file.readline(LONGEST_LINE):
        yield line
        while len(line) == LONGEST_LINE and not line.endswith(b"\n"):
            line = file.readline(LONGEST_LINE)


def _item(line: bytes, source: str) -> ImportItem:
    if len(line) > MAX_EVENT_BYTES:
        text = line[:MAX_EVENT_BYTES].decode(errors="replace")
        return BadRow(f"oversized: more than {MAX_EVENT_BYTES} bytes", source, text)
    return EventRow(line, source)


IMPORTER = NativeEvents()
