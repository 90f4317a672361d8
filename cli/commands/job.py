"""``code24 job``: the work that is asked for, under way, done or dead."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from cli.output import console, show_fields, show_json, show_table
from code24.contracts.message import JobKind, Priority
from code24.settings import HOST, load
from code24.state import jobs, open_state, requests

ACTOR = "command line"

app = typer.Typer(
    help="The work that is asked for, under way, done or dead.",
    no_args_is_help=True,
    epilog="Example: code24 job list --status failed   code24 job retry JOB --yes",
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Yes = Annotated[
    bool, typer.Option("--yes", help="Do it; without it, only say what would.")
]


@app.command(name="list", epilog="Example: code24 job list --site shop --status queued")
def list_(
    site: Annotated[str | None, typer.Option(help="Only this site's.")] = None,
    status: Annotated[
        jobs.JobStatus | None, typer.Option(help="Only jobs in this status.")
    ] = None,
    kind: Annotated[str | None, typer.Option(help="Only jobs of this kind.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 100,
    as_json: AsJson = False,
) -> None:
    """List jobs, the latest due first."""
    with open_state(load().database_url) as state:
        found = jobs.list_jobs(state, site, status, job_type=kind, limit=limit)
    if as_json:
        show_json(found)
        return
    show_table(
        ("job", "site", "kind", "status", "priority", "due", "tries", "error"),
        [
            (
                job.id,
                job.site_id,
                job.job_type,
                job.status,
                job.priority,
                _moment(job.scheduled_at),
                job.attempts,
                job.error_message,
            )
            for job in found
        ],
        empty="No job. Ask for one: code24 job request SITE --kind analysis",
    )


@app.command(name="show", epilog="Example: code24 job show JOB --json")
def show(job_id: str, as_json: AsJson = False) -> None:
    """Show one job, its lease, and the Dagster run that does it."""
    settings = load()
    with open_state(settings.database_url) as state:
        job = jobs.get_job(state, job_id)
    if as_json:
        show_json(job)
        return
    run = f"http://{HOST}:{settings.ports.dagster}/runs/{job.run_id}"
    show_fields(
        {
            "job": job.id,
            "site": job.site_id,
            "kind": job.job_type,
            "status": job.status,
            "priority": job.priority,
            "due": _moment(job.scheduled_at),
            "started": _moment(job.started_at),
            "ended": _moment(job.completed_at),
            "held by": job.lease_owner,
            "held until": _moment(job.lease_until),
            "tries": job.attempts,
            "asked again": "yes" if job.again else "no",
            "run": run if job.run_id else None,
            "error": job.error_message,
        }
    )


@app.command(
    name="request",
    epilog="Example: code24 job request shop --kind analysis",
)
def request(
    site: str,
    kind: Annotated[JobKind, typer.Option(help="What is to be done.")] = "analysis",
    priority: Annotated[Priority, typer.Option(help="How soon.")] = "urgent",
    key: Annotated[
        str | None,
        typer.Option(help="Names the request; the same key asks for nothing new."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Ask for a job of one site; one that is queued already answers the request."""
    now = datetime.now(UTC)
    with open_state(load().database_url) as state:
        job = requests.request(
            state, site, kind, priority, actor=ACTOR, now=now, key=key
        )
    if as_json:
        show_json(job)
        return
    console.print(f"{job.id} is {job.status}. See: code24 job show {job.id}")


@app.command(name="cancel", epilog="Example: code24 job cancel JOB --yes")
def cancel(job_id: str, yes: Yes = False) -> None:
    """End a job that is queued or running; a run under way is not stopped."""
    with open_state(load().database_url) as state:
        if yes:
            jobs.cancel(state, job_id, actor=ACTOR, now=datetime.now(UTC))
            console.print(f"{job_id} is cancelled.")
            return
        job = jobs.get_job(state, job_id)
    console.print(
        f"Would cancel {job.id}, {job.job_type} of {job.site_id}, which is "
        f"{job.status}. Add --yes to do it."
    )


@app.command(name="retry", epilog="Example: code24 job retry JOB --yes")
def retry(job_id: str, yes: Yes = False) -> None:
    """Queue a failed or cancelled job again, due now, its tries forgotten."""
    with open_state(load().database_url) as state:
        if yes:
            jobs.retry(state, job_id, actor=ACTOR, now=datetime.now(UTC))
            console.print(f"{job_id} is queued.")
            return
        job = jobs.get_job(state, job_id)
    console.print(
        f"Would try {job.id} again, {job.job_type} of {job.site_id}, which is "
        f"{job.status}. Add --yes to do it."
    )


def _moment(at: datetime | None) -> str | None:
    return None if at is None else f"{at:%Y-%m-%d %H:%M:%S}"
