"""Bad input and faults: one line that names the thing, the last good release held."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import polars as pl
import pytest

from code24.settings import Settings
from code24.state import experiments, open_state
from orchestration.defs.raw.drain import drain
from orchestration.defs.raw.files import event_files
from orchestration.defs.raw.verify import verify
from orchestration.run import LoopResult, StepUpdate, run_loop
from tests.orchestration.homes import NOW, append_events, exposure, running

HOLD = """
import sys, duckdb
with duckdb.connect(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def eager(copied: Settings) -> Settings:
    """Return a home in which a run would publish: a test more, some events more."""
    with open_state(copied.database_url) as state:
        experiments.create_test(state, running("later"), actor="test", now=NOW)
    append_events(
        copied, "live", (exposure("few", "new", f"m{n}", n) for n in range(5))
    )
    return copied


def assert_held(settings: Settings, step: str, reason: str) -> LoopResult:
    """Run the loop; it must fail in this step for this reason and publish nothing."""
    pointers = [settings.releases / "CURRENT", settings.reports / "CURRENT"]
    before = [path.read_bytes() for path in pointers]
    updates: list[StepUpdate] = []

    result = run_loop(settings, updates.append)

    assert [failure.partition(":")[0] for failure in result.failures] == [step]
    assert reason in result.failures[0]
    assert "\n" not in result.failures[0]
    assert [path.read_bytes() for path in pointers] == before
    assert not result.is_new_release
    ended = {u.step for u in updates if u.status == "finished"}
    assert "release__manifest" not in ended
    return result


def rewrite(path: Path, **changed: pl.Expr) -> None:
    frame = pl.read_parquet(path, hive_partitioning=False).with_columns(**changed)
    frame.write_parquet(path)


def test_a_bad_raw_file_holds_the_release(eager: Settings) -> None:
    path = event_files(eager.raw / "events")[0].path
    rewrite(path, site_id=pl.lit("nobody"), visitor_id=pl.lit(None, dtype=pl.String))
    assert_held(
        eager,
        "raw__events_raw_events_expectations",
        "2 of 18 expectations failed: ExpectColumnValuesToNotBeNull(visitor_id)",
    )


def test_a_corrupt_raw_file_is_named(eager: Settings) -> None:
    path = event_files(eager.raw / "events")[0].path
    path.write_bytes(path.read_bytes()[:-9])
    assert_held(eager, "raw_tables", f"{path}: cannot be read as Parquet")


def test_a_missing_raw_file_is_told_and_can_be_made_again(eager: Settings) -> None:
    event_files(eager.raw / "events")[0].path.unlink()
    assert_held(eager, "raw_tables", "'import' has 0 rows of")
    for path in sorted((eager.raw / "events").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    drain(eager.log, eager.raw)
    assert verify(eager.raw)["live"] == 5


def test_a_warehouse_that_another_process_holds_is_told(eager: Settings) -> None:
    with held(eager.warehouse) as pid:
        assert_held(eager, "dbt_models", f"is held by another process (PID {pid}, ")


def test_a_damaged_warehouse_is_told_and_can_be_made_again(eager: Settings) -> None:
    eager.warehouse.write_bytes(b"no database" * 1000)
    assert_held(eager, "dbt_models", "is damaged: delete it and run again")
    eager.warehouse.unlink()
    result = run_loop(eager, lambda _: None)
    assert result.failures == ()
    assert result.is_new_release


def test_a_bad_mart_holds_the_release(eager: Settings) -> None:
    with duckdb.connect(str(eager.warehouse)) as connection:
        connection.execute(
            "insert into marts.fct_conversions by name "
            "from marts.fct_conversions limit 1"
        )
    assert_held(eager, "dbt_models", "fct_conversions")


@contextmanager
def held(path: Path) -> Iterator[int]:
    """Hold the warehouse open in another process."""
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process.pid
        process.communicate()
