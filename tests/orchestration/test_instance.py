"""What runs that died leave behind is freed, and what others hold is left alone."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import dagster as dg
import pytest

from code24.settings import Settings
from orchestration.instance import (
    PROCESS_TAG,
    free_abandoned,
    open_instance,
    prepare,
)
from orchestration.resources import turn
from orchestration.warehouse import WAREHOUSE_POOL
from tests.test_whole_way import until

LAUNCH = (*("-m", "dagster", "job", "execute"), *("-m", "orchestration.definitions"))


@pytest.fixture
def instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    with open_instance(settings) as instance:
        yield instance


def test_a_run_that_dies_while_it_waits_for_its_turn_is_not_under_way_for_ever(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    prepare(settings)
    command = [sys.executable, *LAUNCH, "-j", "loop_job"]
    environment = {**os.environ, **settings.environment()}
    with turn(settings), subprocess.Popen(command, env=environment) as process:
        until(lambda: any(PROCESS_TAG in run.tags for run in instance.get_runs()), 120)
        process.send_signal(signal.SIGKILL)
        process.wait()
        (run,) = instance.get_runs()
        assert run.status == dg.DagsterRunStatus.STARTED
        assert free_abandoned(instance) == [run.run_id]
    (run,) = instance.get_runs()
    assert run.status == dg.DagsterRunStatus.FAILURE


@pytest.mark.parametrize(
    ("status", "held"),
    [
        (dg.DagsterRunStatus.FAILURE, 0),
        (dg.DagsterRunStatus.CANCELED, 0),
        (dg.DagsterRunStatus.STARTED, 1),
        (None, 0),
    ],
)
def test_slots_of_runs_that_ended_or_were_removed_are_freed(
    instance: dg.DagsterInstance, status: dg.DagsterRunStatus | None, held: int
) -> None:
    run = dg.DagsterRun("loop_job", status=status or dg.DagsterRunStatus.STARTED)
    if status is not None:
        instance.add_run(run)
    pools = instance.event_log_storage
    pools.initialize_concurrency_limit_to_default(WAREHOUSE_POOL)
    for step in ("claimed", "waiting"):
        pools.claim_concurrency_slot(WAREHOUSE_POOL, run.run_id, step)
    assert pools.get_concurrency_info(WAREHOUSE_POOL).active_slot_count == 1

    assert free_abandoned(instance) == []

    assert pools.get_concurrency_info(WAREHOUSE_POOL).active_slot_count == held
    assert pools.get_concurrency_run_ids() == ({run.run_id} if held else set())
