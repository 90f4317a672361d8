"""Access logs: a real one as a reference, and lines of its kinds."""

import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.importers.access_log import IMPORTER, parsed
from cli.importers.importer import (
    BadRow,
    EventRow,
    ImportItem,
    Request,
    SkippedRow,
)
from cli.importers.transfer import outcome
from code24.contracts.event import LogRecord
from code24.settings import load
from tests.cli.importers import samples
from tests.cli.importers.reading import events, only

REFERENCE = load().reference_data / "logs" / "apache_access_semicomplete_2015.log"
DECLARED = re.compile("bot|crawl|spider|slurp", re.IGNORECASE)
LINE = samples.log_line(0)


def read(path: Path, *lines: str, **options: str) -> list[ImportItem]:
    path.write_text("".join(f"{line}\n" for line in lines))
    request = Request("shop", options, host="shop.example", keys=path.parent / "keys")
    return list(IMPORTER.read(path, request))


@pytest.mark.reference
@pytest.mark.skipif(not REFERENCE.exists(), reason=f"{REFERENCE} is not there")
def test_a_real_log_is_read_whole_and_its_bots_are_flagged(tmp_path: Path) -> None:
    lines = REFERENCE.read_text(errors="replace").splitlines()
    hits = [hit for line in lines if (hit := parsed(line))]

    items = list(IMPORTER.read(REFERENCE, Request("shop", keys=tmp_path)))

    assert len(items) == len(hits) == len(lines) == 10_000
    assert len({hit.address for hit in hits}) == 1_753
    declared = {hit.agent for hit in hits if DECLARED.search(hit.agent or "")}
    assert sum(hit.agent in declared for hit in hits) == 1_397
    assert not only(BadRow, items)
    assert len(only(EventRow, items)) + len(only(SkippedRow, items)) == 10_000
    now = datetime(2026, 1, 1, tzinfo=UTC)
    for row in only(EventRow, items):
        assert isinstance(row.body, dict)
        agent = row.body["metadata"].get("userAgent")
        found = outcome(row, "shop", {"shop"}, now)
        assert isinstance(found, LogRecord)
        assert found.bot_reason is not None or agent not in declared
    text = repr(items)
    assert not any(hit.address in text for hit in hits[:2_000])


def test_a_page_is_a_view_without_an_address(tmp_path: Path) -> None:
    (event,) = events(read(tmp_path / "a.log", LINE))

    assert event.event_type == "page_view"
    assert event.url == "https://shop.example/shoes?n=0"
    assert event.referrer == "https://search.example/"
    assert event.timestamp == datetime(2024, 5, 1, 8, 0, tzinfo=UTC)
    assert event.metadata == {
        "status": 200,
        "isCookieless": True,
        "userAgent": samples.AGENT,
    }
    assert "192.0.2" not in repr(event)


def test_one_visitor_is_one_for_a_day_and_another_on_the_next(tmp_path: Path) -> None:
    later = LINE.replace("10:00:00", "18:00:00")
    next_day = LINE.replace("01/May", "02/May")
    other = LINE.replace("192.0.2.0", "192.0.2.1")

    found = events(read(tmp_path / "a.log", LINE, later, next_day, other))

    first, again, tomorrow, somebody = (event.visitor_id for event in found)
    assert first == again
    assert len({first, tomorrow, somebody}) == 3


def test_the_same_home_knows_a_line_again_and_another_does_not(
    tmp_path: Path,
) -> None:
    (first,) = events(read(tmp_path / "a.log", LINE))
    (again,) = events(read(tmp_path / "b.log", LINE))
    elsewhere = tmp_path / "other"
    elsewhere.mkdir()
    (foreign,) = events(read(elsewhere / "a.log", LINE))

    assert first == again
    assert {first.id, first.visitor_id}.isdisjoint({foreign.id, foreign.visitor_id})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("/shoes?n=0", "/a/style.css?v=1"), "no page"),
        (("GET", "POST"), "method POST"),
        ((" 200 ", " 301 "), "redirect"),
    ],
)
def test_what_is_no_page_view_is_skipped(
    tmp_path: Path, change: tuple[str, str], reason: str
) -> None:
    items = read(tmp_path / "a.log", LINE.replace(*change))

    assert items == [SkippedRow(reason)]


def test_a_page_that_failed_is_an_error(tmp_path: Path) -> None:
    (event,) = events(read(tmp_path / "a.log", LINE.replace(" 200 ", " 503 ")))

    assert event.event_type == "interaction"
    assert (event.metadata["name"], event.metadata["status"]) == ("error", 503)


def test_virtual_hosts_are_told_apart(tmp_path: Path) -> None:
    ours, theirs = f"www.shop.example:443 {LINE}", f"other.example:443 {LINE}"

    items = read(tmp_path / "a.log", ours, theirs, vhost="www.shop.example")

    assert Counter(type(item) for item in items) == {EventRow: 1, SkippedRow: 1}
    assert events(items[:1])[0].url == "https://www.shop.example/shoes?n=0"


def test_the_common_format_has_no_agent(tmp_path: Path) -> None:
    common = LINE[: LINE.index(' "https')]

    (event,) = events(read(tmp_path / "a.log", common))

    assert event.referrer is None
    assert "userAgent" not in event.metadata


@pytest.mark.parametrize(
    "line",
    ["192.0.2.9 nonsense", LINE.replace("GET /shoes?n=0 HTTP/1.1", "\\x16\\x03\\x01")],
)
def test_a_line_that_is_none_shows_no_address(tmp_path: Path, line: str) -> None:
    (item,) = read(tmp_path / "a.log", line)

    assert isinstance(item, BadRow)
    assert item.source == "a.log:1"
    assert "192.0.2" not in repr(item)
