"""When what runs: the loop, by the clock and by the event log; what follows failure."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg

from code24 import event_log
from code24.settings import Settings
from code24.state import audit, open_state, pruning
from orchestration.defs.raw.files import read_committed
from orchestration.instance import free_abandoned
from orchestration.kinds import job_names

KEPT_DAYS = 30
"""How long a run's history is kept; Dagster's log grows by a megabyte in some ten
runs, and the decision log keeps what matters. Range 1 to 365."""
SENSOR_SECONDS = 30
"""The shortest time between two looks at the event log. The worker drains what comes
in; this is the second path, for when there is none. Range 5 to 600."""

loop_job = dg.define_asset_job(
    "loop_job",
    selection=dg.AssetSelection.all(),
    description="The whole loop: log, raw, warehouse, checks, decisions, release.",
)

loop_schedule = dg.ScheduleDefinition(
    name="loop_schedule",
    job=loop_job,
    cron_schedule="0 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description=(
        "Every hour, so that a lost message, a dead worker or a stopped sensor only "
        "delays. It is on from the start: an hour without news publishes nothing."
    ),
)


@dg.sensor(
    job=loop_job,
    minimum_interval_seconds=SENSOR_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Runs the loop where events wait and no worker has taken them.",
)
def event_log_sensor(
    context: dg.SensorEvaluationContext, settings: dg.ResourceParam[Settings]
) -> dg.RunRequest | dg.SkipReason:
    """Ask for a run named by the offsets that it is for, or say why there is none.

    The cursor holds the offsets of the last look: what raw still lacks of those has
    waited for one interval at least.
    """
    free_abandoned(context.instance)
    ends, seen = log_ends(settings), context.cursor or ""
    context.update_cursor(as_key(ends))
    if not is_behind(settings, ends):
        return dg.SkipReason(
            f"Raw holds all of the event log: {as_key(ends) or 'empty'}."
        )
    if not is_behind(settings, from_key(seen)):
        return dg.SkipReason(f"The worker may still take what came: {as_key(ends)}.")
    running = runs_under_way(context.instance)
    if running:
        return dg.SkipReason(f"Run {running[0].run_id} is under way.")
    return dg.RunRequest(run_key=as_key(ends))


def runs_under_way(instance: dg.DagsterInstance) -> Sequence[dg.DagsterRun]:
    """Return the runs that may be at work on the warehouse, the newest first."""
    return [
        run
        for run in instance.get_runs(dg.RunsFilter(statuses=_UNDER_WAY), limit=20)
        if run.job_name in {loop_job.name, *job_names()}
    ]


_UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]


def log_ends(settings: Settings) -> dict[str, int]:
    """Return the next offset of each partition of the event log."""
    names = event_log.partitions(settings.log)
    return {name: event_log.end_offset(settings.log, name) for name in names}


def is_behind(settings: Settings, ends: Mapping[str, int]) -> bool:
    """Tell whether raw lacks records of before these offsets."""
    committed = read_committed(settings.raw / "events")
    return any(end > committed.get(name, 0) for name, end in ends.items())


def as_key(ends: Mapping[str, int]) -> str:
    """Return the offsets as one name, such as ``import-125000,live-12``."""
    return ",".join(f"{name}-{end}" for name, end in sorted(ends.items()))


def from_key(key: str) -> dict[str, int]:
    """Return the offsets that ``as_key`` named."""
    pairs = (part.rpartition("-") for part in key.split(",") if part)
    return {name: int(end) for name, _, end in pairs}


@dg.run_failure_sensor(
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Writes each failed run, with its reason, to the audit log.",
)
def run_failure_sensor(
    context: dg.RunFailureSensorContext, settings: dg.ResourceParam[Settings]
) -> None:
    """Tell the operator: the console and ``code24 doctor`` read the audit log."""
    run = context.dagster_run
    after = {"job": run.job_name, "reason": context.failure_event.message}
    with open_state(settings.database_url) as state, state.write() as connection:
        audit.append(
            connection,
            "run.failed",
            f"run:{run.run_id}",
            actor="dagster",
            now=datetime.now(UTC),
            after=after,
        )


@dg.op(description="Removes old runs, and what settled long ago of the shared state.")
def purge_history(
    context: dg.OpExecutionContext, settings: dg.ResourceParam[Settings]
) -> None:
    """Delete the runs made ``KEPT_DAYS`` ago or earlier; prune the shared state."""
    now = datetime.now(UTC)
    before = now - timedelta(days=KEPT_DAYS)
    old = context.instance.get_run_records(dg.RunsFilter(created_before=before))
    for record in old:
        context.instance.delete_run(record.dagster_run.run_id)
    with open_state(settings.database_url) as state:
        pruned = pruning.prune(state, actor="dagster", now=now)
    context.log.info("removed %d runs of before %s", len(old), before.date())
    context.add_output_metadata({"runs": len(old), **pruned})


@dg.job(description="Keeps run history and shared state from growing for ever.")
def purge_history_job() -> None:
    """Remove old runs, and what settled long ago."""
    purge_history()


purge_history_schedule = dg.ScheduleDefinition(
    name="purge_history_schedule",
    job=purge_history_job,
    cron_schedule="30 3 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every night.",
)
