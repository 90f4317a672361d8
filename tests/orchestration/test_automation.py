from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
import sqlalchemy as sa

from code24.settings import Settings
from code24.state import jobs, open_state, requests
from code24.state.tables import audit_log
from orchestration.automation import (
    event_log_sensor,
    loop_schedule,
    purge_history_job,
    run_failure_sensor,
)
from orchestration.defs.raw.drain import drain
from orchestration.instance import open_instance, write_instance
from tests.orchestration.homes import append_events, exposure, fill_state


@pytest.fixture
def instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    with open_instance(settings) as instance:
        yield instance


def tick(
    settings: Settings, instance: dg.DagsterInstance, cursor: str | None = None
) -> dg.RunRequest | dg.SkipReason:
    context = dg.build_sensor_context(
        instance=instance,
        resources={"settings": settings},
        sensor_name="s",
        cursor=cursor,
    )
    found = event_log_sensor(context)
    assert isinstance(found, dg.RunRequest | dg.SkipReason)
    return found


def test_the_sensor_says_why_it_does_nothing(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    assert tick(settings, instance) == dg.SkipReason(
        "Raw holds all of the event log: empty."
    )


def test_the_sensor_names_the_offsets_and_is_content_once_they_are_drained(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    append_events(settings, "live", (exposure("t", "a", str(n), n) for n in range(3)))
    append_events(settings, "import", (exposure("t", "a", str(n), n) for n in range(2)))

    assert tick(settings, instance) == dg.SkipReason(
        "The worker may still take what came: import-2,live-3."
    )
    found = tick(settings, instance, "import-2,live-1")
    assert isinstance(found, dg.RunRequest)
    assert found.run_key == "import-2,live-3"

    drain(settings.log, settings.raw)
    assert tick(settings, instance) == dg.SkipReason(
        "Raw holds all of the event log: import-2,live-3."
    )


def test_the_sensor_waits_for_the_run_that_is_under_way(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    append_events(settings, "live", iter([exposure("t", "a", "u", 0)]))
    run = dg.DagsterRun("loop_job", status=dg.DagsterRunStatus.STARTED)
    instance.add_run(run)
    found = tick(settings, instance, "live-1")
    assert isinstance(found, dg.SkipReason)
    assert f"Run {run.run_id} is under way" in str(found.skip_message)


def test_the_schedule_is_on_from_the_start() -> None:
    assert loop_schedule.cron_schedule == "0 * * * *"
    assert loop_schedule.default_status == dg.DefaultScheduleStatus.RUNNING


def test_a_failed_run_is_written_to_the_audit_log(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    @dg.op
    def fails() -> None:
        raise ValueError("the reason")

    @dg.job
    def failing_job() -> None:
        fails()

    result = failing_job.execute_in_process(instance=instance, raise_on_error=False)
    context = dg.build_run_status_sensor_context(
        sensor_name="run_failure_sensor",
        dagster_instance=instance,
        dagster_run=result.dagster_run,
        dagster_event=result.get_run_failure_event(),
        resources={"settings": settings},
    ).for_run_failure()

    run_failure_sensor(context)

    query = sa.select(audit_log).where(audit_log.c.action == "run.failed")
    with open_state(settings.database_url) as state, state.read() as connection:
        (row,) = connection.execute(query).mappings()
    assert row["subject"] == f"run:{result.run_id}"
    assert row["after"]["job"] == "failing_job"
    assert "fails" in row["after"]["reason"]


def test_old_runs_and_what_settled_long_ago_are_purged_and_new_ones_kept(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    old, new = dg.DagsterRun("loop_job"), dg.DagsterRun("loop_job")
    for run in (old, new):
        instance.add_run(run)
    write_back(instance, old.run_id, datetime.now(UTC) - timedelta(days=31))

    with open_state(settings.database_url) as state:
        fill_state(state)
        for at in (datetime.now(UTC) - timedelta(days=31), datetime.now(UTC)):
            job = requests.request(
                state, "shop", "analysis", "low", actor="test", now=at
            )
            jobs.cancel(state, job.id, actor="test", now=at)

    given = {"settings": settings}
    purged = purge_history_job.execute_in_process(instance=instance, resources=given)

    assert purged.success
    with open_state(settings.database_url) as state:
        assert [kept.id for kept in jobs.list_jobs(state)] == [job.id]
    assert instance.get_run_by_id(old.run_id) is None
    assert instance.get_run_by_id(new.run_id) is not None


def write_back(instance: dg.DagsterInstance, run_id: str, at: datetime) -> None:
    """Let a run seem to have been made at another time."""
    with instance.run_storage.connect() as connection:  # type: ignore[attr-defined]
        connection.execute(
            sa.text("update runs set create_timestamp = :at where run_id = :run_id"),
            {"at": at.strftime("%Y-%m-%d %H:%M:%S.%f"), "run_id": run_id},
        )


def test_the_instance_has_one_slot_a_pool_and_no_telemetry(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    assert instance.global_op_concurrency_default_limit == 1
    assert not instance.telemetry_enabled
    written = settings.dagster_home / "dagster.yaml"
    before = written.stat().st_mtime_ns
    write_instance(settings)
    assert written.stat().st_mtime_ns == before
