"""The second path to the same jobs: Dagster's daemon, where no worker took them.

A run of ``overdue_jobs_job`` is one visit of a worker that does not stay: it takes the
same leases, so what the resident worker has taken meanwhile is skipped. The runs that
do the work are linked to their jobs as the resident worker's are.
"""

from datetime import UTC, datetime, timedelta

import dagster as dg

from code24.settings import Settings
from code24.state import jobs, open_state, requests, schedule, slots
from orchestration.instance import free_abandoned
from orchestration.kinds import KINDS
from orchestration.processes import this_process
from orchestration.pulse import Pulse, bury

OVERDUE_SECONDS = 30.0
"""How long the resident worker has for a job or message before the daemon takes it.
Range 10 to 600."""
UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]


@dg.op(description="Works off every due job, as the resident worker does.")
def work_off_jobs(
    context: dg.OpExecutionContext, settings: dg.ResourceParam[Settings]
) -> None:
    """Go round until no job is due."""
    # The worker holds all definitions, of which this job is one.
    from orchestration.worker import Worker  # noqa: PLC0415

    rounds = 0
    with open_state(settings.database_url) as state:
        worker = Worker(settings, state, context.instance)
        with Pulse(state, this_process()) as pulse:
            while worker.round(pulse):
                rounds += 1
    context.log.info("worked off jobs in %d runs", rounds)


@dg.job(description="Works off jobs that no resident worker took in time.")
def overdue_jobs_job() -> None:
    """Work off jobs once."""
    work_off_jobs()


@dg.sensor(
    job_name=overdue_jobs_job.name,
    minimum_interval_seconds=15,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Asks for a run where a job or a message has waited for too long.",
)
def overdue_jobs_sensor(
    context: dg.SensorEvaluationContext, settings: dg.ResourceParam[Settings]
) -> dg.RunRequest | dg.SkipReason:
    """Ask for a run if something is overdue and none is under way for it."""
    free_abandoned(context.instance)
    before = datetime.now(UTC) - timedelta(seconds=OVERDUE_SECONDS)
    with open_state(settings.database_url) as state:
        bury(state)
        schedule.act(state, actor="schedule", now=before)
        slots.fill(state, actor="schedule", now=before)
        is_overdue = requests.waits(state, since=before)
        is_overdue = is_overdue or jobs.is_any_due(state, KINDS, now=before)
    if not is_overdue:
        return dg.SkipReason("No job and no message is overdue.")
    wanted = dg.RunsFilter(job_name=overdue_jobs_job.name, statuses=UNDER_WAY)
    running = context.instance.get_runs(wanted, limit=1)
    if running:
        return dg.SkipReason(f"Run {running[0].run_id} is at them.")
    return dg.RunRequest()


@dg.schedule(
    job_name=KINDS["analysis"].job.name,
    cron_schedule="*/15 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description=(
        "Asks, every quarter of an hour and with low priority, for the analysis of "
        "every site that runs a test: those of quiet sites, whose counters cross no "
        "threshold, are looked at all the same. It puts messages and starts no run."
    ),
)
def request_analyses_schedule(settings: dg.ResourceParam[Settings]) -> dg.SkipReason:
    """Put one ``optimization_request`` a site, each named by the quarter of an hour."""
    now = datetime.now(UTC)
    with open_state(settings.database_url) as state:
        asked = requests.request_analyses(state, actor="schedule", now=now)
    return dg.SkipReason(f"Asked the worker for the analysis of {asked} sites.")
