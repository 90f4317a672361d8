"""The nightly job on a whole home: through Dagster, down to the warehouse's bytes."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from code24.contracts.event import Event, LogRecord
from code24.contracts.wire import encode
from code24.event_log import SegmentWriter
from code24.settings import Settings
from code24.state import open_state
from code24.state.retention import set_days
from orchestration.definitions import build_definitions
from orchestration.instance import open_instance
from orchestration.run import QUIET, run_loop
from tests.orchestration.conftest import Finished
from tests.orchestration.defs.privacy.searching import places
from tests.orchestration.defs.privacy.test_erasure import differing
from tests.orchestration.homes import START

FORGOTTEN = "visitor-of-long-ago"
OLD = 40
"""Events before the day that is kept as the first."""


@pytest.fixture(scope="module")
def aged(finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Return a home with older events, on which the nightly job has run."""
    home = tmp_path_factory.mktemp("aged") / "home"
    shutil.copytree(finished.settings.home, home)
    settings = replace(finished.settings, home=home)
    with SegmentWriter(settings.log, "import") as log:
        log.append([encode(_old(number)) for number in range(OLD)])
    assert run_loop(settings, lambda _: None).is_success
    assert staged(settings, f"visitor_id = '{FORGOTTEN}'") == OLD
    days = (datetime.now(UTC).date() - START.date()).days
    with open_state(settings.database_url) as state:
        set_days(state, "shop", days, actor="test", now=datetime.now(UTC))
    return settings


def _old(number: int) -> LogRecord:
    at = START - timedelta(days=20, minutes=number)
    event = Event(
        id=f"old-{number}",
        site_id="shop",
        event_type="page_view",
        visitor_id=FORGOTTEN,
        timestamp=at,
        url="https://shop.example/old",
        metadata={"pageViewId": f"old-page-{number}"},
    )
    return LogRecord(event=event, received_at=at, origin="import")


def nightly(settings: Settings) -> dict[str, int]:
    """Run the job; return what its step says was removed."""
    with open_instance(settings) as instance:
        job = build_definitions(settings).resolve_job_def("retention_job")
        result = job.execute_in_process(instance=instance, run_config=QUIET)
    assert result.success
    (output,) = (e for e in result.all_events if e.is_successful_output)
    metadata = output.step_output_data.metadata
    return {name: int(str(one.value)) for name, one in metadata.items()}


def staged(settings: Settings, condition: str) -> int:
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        query = f"select count(*) from staging.stg_events where {condition}"  # noqa: S608
        row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def test_every_night_old_events_go_from_every_store(aged: Settings) -> None:
    others = staged(aged, f"visitor_id <> '{FORGOTTEN}'")
    assert places(aged.home, FORGOTTEN)

    removed = nightly(aged)

    assert removed["raw"] == removed["log"] == removed["warehouse"] == OLD
    assert staged(aged, "true") == others
    assert places(aged.home, FORGOTTEN) == []
    again = nightly(aged)
    assert set(again.values()) == {0}


def test_the_warehouse_after_it_equals_one_built_anew(
    aged: Settings, tmp_path: Path
) -> None:
    nightly(aged)
    shutil.copytree(aged.home, tmp_path / "home")
    rebuilt = replace(aged, home=tmp_path / "home")
    shutil.rmtree(rebuilt.raw / "events")
    rebuilt.warehouse.unlink()
    assert run_loop(rebuilt, lambda _: None).is_success
    assert run_loop(aged, lambda _: None).is_success
    assert differing(aged, rebuilt) == {}


def test_it_is_due_each_night_and_runs_by_itself(aged: Settings) -> None:
    definitions = build_definitions(aged)
    schedule = definitions.resolve_schedule_def("retention_schedule")
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    night = datetime(2026, 11, 24, 3, 45, tzinfo=UTC)
    with (
        open_instance(aged) as instance,
        dg.build_schedule_context(instance, scheduled_execution_time=night) as context,
    ):
        (request,) = schedule.evaluate_tick(context).run_requests or ()
    assert schedule.job_name == "retention_job"
    assert request.run_config == {}
    assert schedule.cron_schedule == "45 3 * * *"
