"""Lines of a text file, plain or gzip, read as a stream whatever state it is in."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from cli.importers.importer import BadRow, ImportFileError, Meter

LONGEST_LINE = 1 << 20
"""What is read of one line at most; a longer one is refused, its rest skipped."""
GZIP = b"\x1f\x8b"
BOM = b"\xef\xbb\xbf"
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
EVERY = 512
"""The meter is read after so many lines: asking for the place costs a call."""
SHOWN = 2_000
"""What a dead letter shows of a line at most."""
BROKEN = (OSError, EOFError, zlib.error)


class Line(NamedTuple):
    """One line without its end."""

    number: int
    text: bytes
    problem: str | None = None
    """Why it cannot be used, such as ``oversized``; the text is then its beginning."""

    def bad(self, path: Path, reason: str) -> BadRow:
        """Return the line as a dead letter."""
        shown = self.text[:SHOWN].decode(errors="replace")
        return BadRow(reason, f"{path.name}:{self.number}", shown)


class Content(NamedTuple):
    """A file's bytes, inflated, and the file itself, whose place tells how far."""

    file: BinaryIO
    raw: BinaryIO


@contextmanager
def opened(path: Path) -> Iterator[Content]:
    """Open a file; one that begins as gzip does is inflated, whatever its name.

    Raises:
        ImportFileError: there is no such file, it is named ``.gz`` and is none, or it
            is UTF-16.
    """
    try:
        raw = path.open("rb")
    except OSError as error:
        raise ImportFileError(f"{path}: cannot be read: {error.strerror}") from error
    with raw:
        head = raw.read(3)
        raw.seek(0)
        _check_head(path, head)
        if head.startswith(GZIP):
            with gzip.open(raw, "rb") as inflated:
                yield Content(cast("BinaryIO", inflated), raw)
        else:
            yield Content(raw, raw)


def read(path: Path, meter: Meter) -> Iterator[Line]:
    """Yield each line; of a file that breaks off, what could be read of it.

    A byte-order mark at the start and line ends of any system are taken off.

    Raises:
        ImportFileError: nothing of the file can be read.
    """
    meter.total, meter.unit = _size(path), "bytes"
    number = 0
    with opened(path) as content:
        try:
            for number, line in enumerate(_split(content.file), start=1):
                yield _line(number, line)
                if number % EVERY == 0:
                    meter.done = content.raw.tell()
        except BROKEN as error:
            if number == 0:
                raise ImportFileError(f"{path}: cannot be read: {error}") from error
            yield Line(number + 1, b"", f"truncated: {error}")
        meter.done = meter.total or 0


def head(path: Path, lines: int = 20) -> list[bytes]:
    """Return the first lines that are not blank; none of a file that is broken."""
    try:
        with opened(path) as content:
            data = content.file.read(256 * 1024)
    except (*BROKEN, ImportFileError):
        return []
    found = (line.rstrip(b"\r") for line in data.removeprefix(BOM).split(b"\n"))
    return [line for line in found if line.strip()][:lines]


def check(path: Path) -> None:
    """Refuse a file that no format can be read from.

    Raises:
        ImportFileError: says what to do.
    """
    with opened(path):
        pass


def _check_head(path: Path, head: bytes) -> None:
    if head.startswith(UTF_16):
        raise ImportFileError(
            f"{path}: is UTF-16; convert it: iconv -f UTF-16 -t UTF-8"
        )
    if head and path.suffix == ".gz" and not head.startswith(GZIP):
        raise ImportFileError(f"{path}: cannot be read: named .gz, but is no gzip")


def _split(file: BinaryIO) -> Iterator[bytes]:
    while line := file.readline(LONGEST_LINE):
        yield line
        while len(line) == LONGEST_LINE and not line.endswith(b"\n"):
            line = file.readline(LONGEST_LINE)


def _line(number: int, line: bytes) -> Line:
    if number == 1:
        line = line.removeprefix(BOM)
    if len(line) >= LONGEST_LINE and not line.endswith(b"\n"):
        return Line(number, line, f"oversized: a line of {LONGEST_LINE} bytes or more")
    return Line(number, line.rstrip(b"\r\n"))


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
