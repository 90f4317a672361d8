"""Dagster's own way to the jobs: what is overdue, what the clock asks for."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from code24.settings import Settings
from code24.state import State, jobs, messages, open_state, requests, workers
from orchestration.instance import open_instance
from orchestration.processes import this_process
from orchestration.second_path import (
    overdue_jobs_job,
    overdue_jobs_sensor,
    request_analyses_schedule,
)
from tests.orchestration.homes import fill_state

LONG_AGO = datetime.now(UTC) - timedelta(minutes=5)


@pytest.fixture
def state(settings: Settings) -> Iterator[State]:
    with open_state(settings.database_url) as state:
        fill_state(state)
        yield state


@pytest.fixture
def instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    with open_instance(settings) as instance:
        yield instance


def tick(
    settings: Settings, instance: dg.DagsterInstance
) -> dg.RunRequest | dg.SkipReason:
    context = dg.build_sensor_context(
        instance=instance, resources={"settings": settings}, sensor_name="s"
    )
    found = overdue_jobs_sensor(context)
    assert isinstance(found, dg.RunRequest | dg.SkipReason)
    return found


def test_what_came_just_now_is_left_to_the_worker(
    settings: Settings, state: State, instance: dg.DagsterInstance
) -> None:
    now = datetime.now(UTC)
    requests.request(state, "shop", "analysis", "urgent", actor="t", now=now)
    assert tick(settings, instance) == dg.SkipReason(
        "No job and no message is overdue."
    )


def test_an_overdue_job_is_asked_for_unless_a_run_is_at_it(
    settings: Settings, state: State, instance: dg.DagsterInstance
) -> None:
    requests.request(state, "shop", "analysis", "low", actor="t", now=LONG_AGO)
    assert isinstance(tick(settings, instance), dg.RunRequest)
    run = dg.DagsterRun(overdue_jobs_job.name, status=dg.DagsterRunStatus.STARTED)
    instance.add_run(run)
    found = tick(settings, instance)
    assert isinstance(found, dg.SkipReason)
    assert run.run_id in str(found.skip_message)


def test_a_message_that_nobody_took_is_overdue_too(
    settings: Settings, state: State, instance: dg.DagsterInstance
) -> None:
    lost = requests.request_message("shop", "analysis", "low", now=LONG_AGO)
    messages.put(state, lost, actor="t", now=LONG_AGO)
    assert isinstance(tick(settings, instance), dg.RunRequest)


def test_jobs_of_a_dead_process_are_let_go(
    settings: Settings, state: State, instance: dg.DagsterInstance
) -> None:
    now = datetime.now(UTC)
    host = this_process().partition(":")[0]
    dead = f"{host}:4194300:1"
    job = requests.request(state, "shop", "analysis", "low", actor="t", now=now)
    jobs.claim(state, "analysis", dead, 600, now=now)
    workers.beat(state, dead, started_at=now, now=now, run_id=None)
    tick(settings, instance)
    assert workers.list_workers(state) == []
    (again,) = jobs.claim(state, "analysis", "w", 60, now=datetime.now(UTC))
    assert (again.id, again.losses) == (job.id, 1)


def test_the_clock_asks_once_a_quarter_for_each_site_that_runs_a_test(
    settings: Settings, state: State, instance: dg.DagsterInstance
) -> None:
    for _ in range(2):
        with dg.build_schedule_context(
            instance=instance, resources={"settings": settings}
        ) as context:
            request_analyses_schedule(context)
    now = datetime.now(UTC)
    assert requests.messages_to_jobs(state, "t", now=now) == 2
    (job,) = jobs.list_jobs(state)
    assert (job.site_id, job.job_type, job.priority) == ("shop", "analysis", 8)
