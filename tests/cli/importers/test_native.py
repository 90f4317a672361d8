"""Native events, a JSON object a line."""

import gzip
import os
from pathlib import Path

import pytest

from cli.importers.importer import EventRow, ImportFileError
from cli.importers.lines import LONGEST_LINE
from cli.importers.native import IMPORTER
from tests.cli.importers.reading import only, read, reasons

LINE = b'{"siteId":"shop"}\n'


def test_lines_are_passed_as_they_are_with_their_number(tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl"
    path.write_bytes(LINE + b"\n" + b"{not json\n")

    rows = only(EventRow, read(IMPORTER, path))

    assert rows == [
        EventRow(LINE.strip(), "e.jsonl:1"),
        EventRow(b"{not json", "e.jsonl:3"),
    ]


def test_an_oversized_line_is_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl"
    path.write_bytes(b"x" * (2 * LONGEST_LINE + 5) + b"\n" + LINE)

    items = read(IMPORTER, path)

    assert reasons(items) == {
        "e.jsonl:1": f"oversized: a line of {LONGEST_LINE} bytes or more"
    }
    assert only(EventRow, items) == [EventRow(LINE.strip(), "e.jsonl:2")]


def test_of_a_truncated_archive_what_can_be_read_is_taken(tmp_path: Path) -> None:
    whole = gzip.compress(b"".join(_unlike() for _ in range(4_000)))
    path = tmp_path / "e.jsonl.gz"
    path.write_bytes(whole[: len(whole) // 2])

    items = read(IMPORTER, path)

    rows = only(EventRow, items)
    assert 500 < len(rows) < 4_000
    (source,) = reasons(items)
    assert reasons(items)[source].startswith("truncated: ")
    assert source == f"e.jsonl.gz:{len(rows) + 1}"


def _unlike() -> bytes:
    return b'{"id":"%s"}\n' % os.urandom(16).hex().encode()


@pytest.mark.parametrize("content", [b"", b"no archive", b"\x1f\x8b\x08\x00rest"])
def test_what_is_no_archive_at_all_is_one_clear_error(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "e.jsonl.gz"
    path.write_bytes(content)

    if content:
        with pytest.raises(ImportFileError, match=r"e\.jsonl\.gz: cannot be read"):
            read(IMPORTER, path)
    else:
        assert read(IMPORTER, path) == []
