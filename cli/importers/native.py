"""Events as Code24 itself takes them, one JSON object a line."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from cli.importers import lines, objects
from cli.importers.importer import (
    EventRow,
    ImportItem,
    Request,
)
from code24.contracts.event import MAX_EVENT_BYTES
from code24.protocols.mending import mended_json

_ODD = re.compile(rb"NaN|Infinity|\\u[dD][89a-fA-F]")
"""What may be no JSON; whole pairs of surrogates are looked at for nothing."""


class NativeEvents:
    """One event a line; blank lines are skipped."""

    name = "events"
    about = "Native events, one JSON object a line (.jsonl, .jsonl.gz), as they are"
    options: Mapping[str, str] = {}

    def sniff(self, path: Path) -> bool:
        """Say whether one of the first lines is an event of ours."""
        return objects.any_has(objects.first(path), "siteId", "eventType")

    def read(self, path: Path, request: Request) -> Iterator[ImportItem]:
        """Yield each line; of a truncated archive, what could be read of it."""
        for line in lines.read(path, request.meter):
            if line.problem is not None:
                yield line.bad(path, line.problem)
            elif len(line.text) > MAX_EVENT_BYTES:
                yield line.bad(path, f"oversized: more than {MAX_EVENT_BYTES} bytes")
            elif line.text.strip():
                yield EventRow(_mended(line.text), f"{path.name}:{line.number}")


def _mended(text: bytes) -> bytes:
    """Return a line as JSON where it nearly is, as at the live door."""
    if not _ODD.search(text):
        return text
    return mended_json(text) or text


IMPORTER = NativeEvents()
