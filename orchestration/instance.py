"""Dagster's instance: its folder written, opened, and freed of runs that died."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from string import Template

import dagster as dg

from code24.releases import ensure_keys
from code24.settings import Settings
from code24.state import open_state
from orchestration.dbt import ResidentDbt

PROCESS_TAG = "code24/process"
"""Marks a run with the process it runs in: its id, and when that process started."""

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
    return {PROCESS_TAG: f"{os.getpid()}:{_started(os.getpid())}"}


def free_abandoned(instance: dg.DagsterInstance) -> list[str]:
    """Fail the runs whose process is gone, and free what they hold in the pools.

    Runs of ``dg.materialize`` have no launcher that would notice; left alone, the
    pool that a killed worker held would stay closed to every later run.

    Returns:
        the ids of those runs.
    """
    abandoned = [
        run
        for run in instance.get_runs(dg.RunsFilter(statuses=list(_UNFINISHED)))
        if PROCESS_TAG in run.tags and not _is_alive(run.tags[PROCESS_TAG])
    ]
    for run in abandoned:
        instance.report_run_failed(run, "The process of this run is gone.")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    return [run.run_id for run in abandoned]


def _is_alive(tag: str) -> bool:
    pid, _, started = tag.partition(":")
    return _started(int(pid)) == started


def _started(pid: int) -> str:
    """Return when a process started, in the kernel's ticks; none where it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] == "Z" else fields[19]
