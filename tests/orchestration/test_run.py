"""The loop on real parts: log, Parquet, dbt, DuckDB, expectations, state, release."""

from pathlib import Path
from typing import Any

import polars as pl

from app.console.reading import pointer, read
from code24.contracts.decision import Decision
from code24.contracts.release import Shard
from code24.releases import Reader
from code24.settings import Settings
from code24.state import decisions, experiments, open_state
from orchestration.run import StepUpdate, run_loop
from orchestration.warehouse import Warehouse
from tests.orchestration.conftest import Finished
from tests.orchestration.homes import (
    NOW,
    UNITS,
    append_events,
    events,
    exposure,
    running,
)

EVENTS = len(list(events()))


def ignore(_update: StepUpdate) -> None:
    """Take no notice of the steps."""


def served(settings: Settings) -> Shard:
    reader = Reader(settings.releases, settings.keys / "verify.pub")
    return reader.shard(reader.current().sites["shop"])


def standing(settings: Settings) -> dict[str, Any]:
    """Return all that a run without news must leave as it is."""
    with open_state(settings.database_url) as state:
        log = [d.decision_id for d in decisions.list_decisions(state)]
        tests = experiments.list_tests(state)
    files = [settings.releases, settings.reports, settings.raw / "events"]
    return {
        "log": log,
        "tests": tests,
        "rows": Warehouse(settings.warehouse).row_counts(),
        "files": {p: p.stat().st_mtime_ns for f in files for p in parquet_and_more(f)},
    }


def last_decision(settings: Settings, test_id: str) -> Decision:
    with open_state(settings.database_url) as state:
        return decisions.list_decisions(state, test_id)[-1]


def parquet_and_more(folder: Path) -> list[Path]:
    return [p for p in folder.rglob("*") if p.is_file() and not p.name.startswith(".")]


def test_the_first_run_takes_events_to_a_release(finished: Finished) -> None:
    result = finished.result

    assert result.failures == ()
    assert (result.sites, result.events, result.new_events) == (1, EVENTS, EVENTS)
    assert result.tests == 3
    assert result.decisions == {"keep": 2, "ship": 1}
    assert result.new_decisions == 3
    assert result.is_new_release
    assert result.dead_letters == 0
    shipped = {t.test_id: t.winner_variant for t in served(finished.settings).tests}
    assert shipped == {"wins": "new", "equal": None, "few": None}


def test_the_marts_count_what_was_sent(finished: Finished) -> None:
    stats = Warehouse(finished.settings.warehouse).read(
        "select experiment_id, variant_id, units, conversions, value_sum_sq "
        "from marts.mart_experiment_stats where metric = 'conversion' order by all"
    )
    counts = {row[:2]: row[2:4] for row in stats.iter_rows()}
    assert counts["wins", "old"] == (UNITS["wins"], 75)
    assert counts["wins", "new"] == (UNITS["wins"], 225)
    assert counts["few", "new"] == (UNITS["few"], 2)


def test_every_step_is_told_as_it_starts_and_as_it_ends(finished: Finished) -> None:
    started = [u.step for u in finished.updates if u.status == "started"]
    ended = [u.step for u in finished.updates if u.status == "finished"]
    assert started == ended
    assert started[0] == "raw_tables"
    assert started[-1] == "reports__console"
    assert all(u.seconds > 0 for u in finished.updates if u.status == "finished")


def test_the_console_can_read_the_reports(finished: Finished) -> None:
    reports = read(pointer(finished.settings.reports))

    assert reports.problem is None
    assert reports.version == finished.result.reports_version
    assert reports.sites["goals"].to_list() == [["sales"]]
    wins = reports.analyses.filter(
        pl.col("experiment_id") == "wins", ~pl.col("is_control")
    ).row(0, named=True)
    assert wins["lift_low"] > 0
    assert wins["chance_to_win"] > 0.99
    assert wins["prior_tests"] == 12
    assert set(reports.decisions["kind"]) == {"keep", "ship"}
    segments = reports.segments.filter(experiment_id="wins")
    assert segments["segment"].to_list() == ["desktop", "mobile"]
    assert segments["units"].to_list() == [UNITS["wins"] / 2] * 2
    assert not segments["is_different"].any()
    assert reports.novelty.is_empty()  # all came on one day
    summary = reports.summary.row(0, named=True)
    assert summary["release_id"] == finished.result.release_id
    assert summary["events"] == EVENTS


def test_a_run_without_news_changes_nothing(copied: Settings) -> None:
    """Run twice: what the first run ended is news to the second, which learns it."""
    assert run_loop(copied, ignore).failures == ()
    before = standing(copied)

    again = run_loop(copied, ignore)

    assert again.failures == ()
    assert (again.new_events, again.new_decisions) == (0, 0)
    assert not again.is_new_release
    assert standing(copied) == before


def test_news_are_decided_on_and_published(copied: Settings) -> None:
    with open_state(copied.database_url) as state:
        experiments.create_test(state, running("later"), actor="test", now=NOW)
    first = read(pointer(copied.reports)).version
    units = (exposure("few", "new", f"more-{n}", n) for n in range(500))
    append_events(copied, "live", units)

    again = run_loop(copied, ignore)

    assert again.failures == ()
    assert (again.new_events, again.new_decisions) == (500, 2)
    assert sum(again.decisions.values()) == 4
    assert last_decision(copied, "few").kind == "hold"
    assert again.is_new_release
    assert len(served(copied).tests) == 4
    assert read(pointer(copied.reports)).version == again.reports_version != first
