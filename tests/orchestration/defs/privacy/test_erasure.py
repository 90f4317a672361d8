"""Erasing a visitor: gone from every byte, everything else as it was."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb

from code24.settings import Settings
from code24.state import erasures, open_state
from orchestration.defs.privacy.erasure import look
from orchestration.defs.raw.compaction import row_count
from orchestration.defs.raw.files import event_files
from orchestration.defs.raw.verify import verify
from orchestration.run import run_loop
from tests.orchestration.defs.privacy.broken import Broken
from tests.orchestration.defs.privacy.searching import places
from tests.orchestration.defs.privacy.visitors import ALICE, TRACES, UNIT

REMOVED = 2 * 16
"""Records that are Alice's or name her, in both partitions."""


def test_no_byte_of_the_visitor_is_left(visited: Settings, erased: Broken) -> None:
    assert {trace for trace in TRACES if places(visited.home, trace)} == {*TRACES}
    home = erased.settings.home
    assert [place for trace in TRACES for place in places(home, trace)] == []


def test_others_are_as_they_were(visited: Settings, erased: Broken) -> None:
    gone = f"visitor_id in ('{ALICE}', '{UNIT}', 'dave', 'erin', 'frank')"
    before = _staged(visited, f"not ({gone})")
    assert _staged(erased.settings, "event_at < timestamp '2026-04-01'") == before


def test_killed_it_went_on_and_lost_nothing_that_came_meanwhile(
    erased: Broken,
) -> None:
    assert "log" in erased.done_when_killed
    assert "releases" not in erased.done_when_killed
    assert [answer["accepted"] for answer in erased.answers] == [1, 0, 1]
    assert erased.answers[1]["rejected"][0]["reason"].startswith("erased:")
    settings = erased.settings
    assert run_loop(settings, lambda _: None).is_success
    assert verify(settings.raw)["live"] == _rows(settings, "live")
    came = _staged(settings, "event_at > timestamp '2026-04-01'")
    assert len(came) == 3


def test_the_warehouse_equals_one_rebuilt_from_the_log(
    erased: Broken, tmp_path: Path
) -> None:
    settings = erased.settings
    assert run_loop(settings, lambda _: None).is_success
    rebuilt = _copied(settings, tmp_path)
    shutil.rmtree(rebuilt.raw / "events")
    rebuilt.warehouse.unlink()
    assert run_loop(rebuilt, lambda _: None).is_success
    assert verify(rebuilt.raw) == verify(settings.raw)
    assert differing(settings, rebuilt) == {}


def test_a_second_erasure_finds_nothing(erased: Broken) -> None:
    settings = erased.settings
    with open_state(settings.database_url) as state:
        subject = erasures.subject(state, "shop", ALICE, keys=settings.keys)
        found = look(settings, state, subject)
    left = {name: counts for name, counts in found.items() if any(counts.values())}
    assert left.keys() <= {"reports"}


def test_the_receipt_tells_what_was_removed_without_the_id(erased: Broken) -> None:
    with open_state(erased.settings.database_url) as state:
        (receipt,) = erasures.list_erasures(state)
    assert receipt.status == "complete"
    found = receipt.steps["found"]
    assert found["log"] == {"records": REMOVED}
    assert found["raw"]["rows"] == found["warehouse"]["rows"] == REMOVED
    assert found["dead_letters"] == {"letters": 4}
    assert receipt.steps.keys() == {*found, "found", "aggregates"}
    assert len(receipt.id_hashes) == len((ALICE, UNIT, "u-of-alice", "u-group-alice"))
    assert receipt.erasure_id in erased.told
    assert ALICE not in erased.told


def _copied(settings: Settings, folder: Path) -> Settings:
    shutil.copytree(settings.home, folder / "home")
    return replace(settings, home=folder / "home")


def _rows(settings: Settings, partition: str) -> int:
    files = [
        f for f in event_files(settings.raw / "events") if f.partition == partition
    ]
    return sum(row_count(file.path) for file in files)


def _staged(settings: Settings, condition: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        return connection.execute(
            f"from staging.stg_events where {condition} order by all"
        ).fetchall()


def differing(one: Settings, other: Settings) -> dict[str, int]:
    """Count rows that differ by table.

    Watermarks do not count: they end with the last record that is still there.
    """
    with duckdb.connect(str(one.warehouse), read_only=True) as connection:
        connection.execute(f"attach '{other.warehouse}' as other (read_only)")
        names = connection.execute(
            "select schema_name || '.' || table_name from duckdb_tables() "
            "where database_name = current_database() "
            "and schema_name in ('staging', 'intermediate', 'marts') "
            "and table_name <> 'watermarks'"
        ).fetchall()
        found = {name: _rows_apart(connection, name) for (name,) in names}
    return {name: count for name, count in found.items() if count}


def _rows_apart(connection: duckdb.DuckDBPyConnection, name: str) -> int:
    missing = "select count(*) from (from {0} except all from {1})"
    pairs = ((name, f"other.{name}"), (f"other.{name}", name))
    counts: Iterator[Any] = (
        connection.execute(missing.format(*pair)).fetchone() for pair in pairs
    )
    return sum(count[0] for count in counts)
