"""Taking files in over the real log and shared state, with interruptions."""

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from cli.importers import run_import
from cli.importers.importer import ImportFileError
from cli.importers.samples import SAMPLES, import_samples, is_own_site
from cli.importers.transfer import BATCH
from code24 import event_log
from code24.contracts.event import DeadLetter, LogRecord
from code24.event_log import EventLogError
from code24.intake import IntakeLog, dead_folder
from code24.settings import Settings
from code24.state import StateError, experiments, imports, open_state, past, sites


@pytest.fixture
def shop(settings: Settings) -> Settings:
    with open_state(settings.database_url) as state:
        sites.add_site(
            state,
            "shop",
            "shop.example",
            "fashion",
            ("sales",),
            actor="test",
            now=datetime.now(UTC),
        )
    return settings


def records(settings: Settings) -> list[LogRecord]:
    return [
        msgspec.json.decode(record.payload, type=LogRecord)
        for record in event_log.read(settings.log, "import", 0)
    ]


def dead_letters(settings: Settings) -> list[DeadLetter]:
    return [
        msgspec.json.decode(record.payload, type=DeadLetter)
        for record in event_log.read(dead_folder(settings.log), "dead-import", 0)
    ]


def line(number: int, **change: object) -> str:
    event = {
        "id": f"e{number}",
        "siteId": "shop",
        "eventType": "page_view",
        "visitorId": "v1",
        "timestamp": "2024-05-01T10:00:00Z",
    }
    return json.dumps(event | change) + "\n"


def write(path: Path, *lines: str) -> Path:
    path.write_text("".join(lines))
    return path


def test_good_rows_reach_the_log_and_bad_ones_the_dead_letters(
    shop: Settings, tmp_path: Path
) -> None:
    path = write(
        tmp_path / "e.jsonl",
        line(1),
        "{broken\n",
        line(2, siteId="nobody"),
        line(3, timestamp="2999-01-01T00:00:00Z"),
        line(4, metadata={"botReason": "office"}),
    )

    summary = run_import(shop, path)

    assert str(summary) == "e.jsonl (events): 2 events, 3 dead letters."
    first, second = records(shop)
    assert (first.event.id, first.origin, first.bot_reason) == ("e1", "import", None)
    assert second.bot_reason == "office"
    codes = {d.source: d.reason.partition(":")[0] for d in dead_letters(shop)}
    assert codes == {
        "e.jsonl:2": "bad_json",
        "e.jsonl:3": "unknown_site",
        "e.jsonl:4": "in_future",
    }


def test_the_same_content_again_adds_nothing(shop: Settings, tmp_path: Path) -> None:
    run_import(shop, write(tmp_path / "e.jsonl", line(1), "{broken\n"))

    again = run_import(shop, write(tmp_path / "copy.jsonl", line(1), "{broken\n"))

    assert again.is_repeated
    assert str(again) == "copy.jsonl: was imported before; nothing added."
    assert len(records(shop)) == len(dead_letters(shop)) == 1


def test_a_site_that_rows_do_not_belong_to_is_refused(
    shop: Settings, tmp_path: Path
) -> None:
    path = write(tmp_path / "e.jsonl", line(1, siteId="other"))

    assert run_import(shop, path, site="shop").dead_letters == 1
    with pytest.raises(ImportFileError, match="--site other: there is no such site, "):
        run_import(shop, path, site="other")


KILLED = """
import sys
from pathlib import Path
from cli.importers import run_import
from code24.settings import load
run_import(load(), Path(sys.argv[1]))
"""


def test_after_kill_9_it_goes_on_and_no_event_is_lost(
    shop: Settings, tmp_path: Path
) -> None:
    total = 8 * BATCH
    path = write(tmp_path / "e.jsonl", *(line(n) for n in range(total)))
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)], env=shop.environment()
    )
    while process.poll() is None and _rows_done(shop) < 2 * BATCH:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)

    assert process.wait() == -signal.SIGKILL
    assert 0 < _rows_done(shop) < total
    summary = run_import(shop, path)

    assert 0 < summary.events < total
    ids = Counter(record.event.id for record in records(shop))
    assert set(ids) == {f"e{n}" for n in range(total)}
    assert ids.total() - total <= BATCH
    with open_state(shop.database_url) as state:
        (row,) = imports.list_imports(state)
    assert (row.status, row.rows_done, row.counts["events"]) == (
        "complete",
        total,
        total,
    )


def _rows_done(settings: Settings) -> int:
    with open_state(settings.database_url) as state:
        return sum(row.rows_done for row in imports.list_imports(state))


def test_two_imports_at_once_are_refused_by_name(
    shop: Settings, tmp_path: Path
) -> None:
    path = write(tmp_path / "e.jsonl", line(1))

    with (
        IntakeLog.open(shop.log, "import"),
        pytest.raises(EventLogError, match="import"),
    ):
        run_import(shop, path)

    assert run_import(shop, path).events == 1


def test_a_row_without_end_is_refused_and_the_rest_goes_on(
    shop: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "t.csv"
    rows = "".join(f"u{n},A,0\n" for n in range(2 * BATCH))
    endless = "x" * 200_000
    path.write_text(f"user,group,bought\n{rows}{endless},A,0\nlast,A,0\n")
    options = {"unit": "user", "variant": "group", "converted": "bought"}

    summary = run_import(
        shop,
        path,
        format_name="ab-csv",
        site="shop",
        options=options | {"variants": "A,B"},
    )

    assert (summary.events, summary.dead_letters) == (2 * BATCH + 1, 1)
    (letter,) = dead_letters(shop)
    assert letter.source == f"t.csv:{2 * BATCH + 2}"
    assert "field larger than field limit" in letter.reason


def test_the_samples_are_taken_in_whole_and_once(settings: Settings) -> None:
    reports: list[tuple[str, int]] = []

    first = import_samples(
        settings, lambda step: reports.append((step.file, step.rows))
    )
    again = import_samples(settings)

    assert {s.site_id: s.events for s in first} == {
        "complete-journey": 14_236,
        "snowplow": 1_160,
        "upworthy": 124_841,
    }
    assert all(summary.dead_letters == 0 for summary in first)
    assert all(summary.is_repeated for summary in again)
    assert event_log.end_offset(settings.log, "import") == 14_236 + 1_160 + 124_841
    assert reports[-1] == ("headline_tests.parquet", 124_841 + 3_424)
    with open_state(settings.database_url) as state:
        assert not any(is_own_site(site) for site in sites.list_sites(state))
        assert len(experiments.list_tests(state, status="running")) == 12
        assert len(past.list_past(state)) == 3_412


def test_a_site_file_that_describes_none_is_one_clear_error(
    settings: Settings, tmp_path: Path
) -> None:
    write(tmp_path / "site.json", '{"siteId": "x"}')
    path = write(tmp_path / "e.jsonl", line(1))

    with pytest.raises(ImportFileError, match=r"site\.json: describes no site"):
        run_import(settings, path)


def test_a_sample_site_of_another_host_is_refused_before_anything_is_written(
    settings: Settings,
) -> None:
    with open_state(settings.database_url) as state:
        sites.add_site(
            state,
            "snowplow",
            "mine.example",
            "saas",
            ("leads",),
            actor="test",
            now=datetime.now(UTC),
        )

    with pytest.raises(StateError, match=r"site 'snowplow' is there with host"):
        run_import(settings, SAMPLES / "snowplow")

    assert event_log.end_offset(settings.log, "import") == 0
