"""Dagster's instance: its folder written, opened, and freed of runs that died."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from string import Template

import dagster as dg

from code24.releases import ensure_keys
from code24.settings import Settings
from code24.state import open_state
from orchestration.dbt import ResidentDbt
from orchestration.processes import is_gone, this_process

PROCESS_TAG = "code24/process"
"""Marks a run with the process it runs in, as ``processes.this_process`` names it."""

_UNFINISHED = (dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING)


def prepare(settings: Settings) -> None:
    """Make all that a run needs: Dagster's folder, shared state, keys, dbt's manifest.

    Raises:
        Code24Error: one of them cannot be made; names it and the way out.
    """
    write_instance(settings)
    settings.raw.mkdir(parents=True, exist_ok=True)
    ensure_keys(settings.keys)
    open_state(settings.database_url).close()
    ResidentDbt(settings).manifest()


def write_instance(settings: Settings) -> None:
    """Write ``dagster.yaml`` into Dagster's home, unless it is there just so."""
    folder = settings.dagster_home
    template = resources.files("orchestration").joinpath("dagster.yaml").read_text()
    text = Template(template).substitute(history=folder / "history")
    path = folder / "dagster.yaml"
    if path.exists() and path.read_text() == text:
        return
    folder.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(text)
    temporary.replace(path)


@contextmanager
def open_instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    """Open the instance of these settings' Dagster home, writing it where absent."""
    write_instance(settings)
    with dg.DagsterInstance.from_config(str(settings.dagster_home)) as instance:
        yield instance


def process_tags() -> dict[str, str]:
    """Return the tags that mark a run as this process's."""
    return {PROCESS_TAG: this_process()}


def free_abandoned(instance: dg.DagsterInstance) -> list[str]:
    """Fail the runs whose process is gone; free what ended runs hold in the pools.

    Runs of ``execute_in_process`` have no launcher that would notice; left alone, the
    pool that a killed worker held would stay closed to every later run. Where Dagster's
    code server noticed, the run has failed but its slot is kept for minutes.

    Returns:
        the ids of the runs that were failed.
    """
    abandoned = [
        run
        for run in instance.get_runs(dg.RunsFilter(statuses=list(_UNFINISHED)))
        if is_gone(run.tags.get(PROCESS_TAG, ""))
    ]
    for run in abandoned:
        instance.report_run_failed(run, "The process of this run is gone.")
    _free_slots(instance)
    return [run.run_id for run in abandoned]


def _free_slots(instance: dg.DagsterInstance) -> None:
    """Free the slots, and the places in the queues for them, of runs that ended."""
    pools = instance.event_log_storage
    for run_id in pools.get_concurrency_run_ids():
        run = instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            pools.free_concurrency_slots_for_run(run_id)
