"""The jobs, and who works them off."""

from app.platform.operations.operation import (
    OPERATOR,
    Call,
    Nothing,
    Operation,
    asked,
    now,
    sent,
)
from code24.contracts.message import JobKind, Priority
from code24.contracts.wire import Contract, Identifier, Slug
from code24.state import jobs, requests, workers
from code24.state.jobs import Job, JobStatus


class JobList(Contract, frozen=True, kw_only=True):
    """The jobs, the latest due first, and how many of all there are by status."""

    jobs: list[Job]
    counts: dict[JobStatus, int]


class WorkerList(Contract, frozen=True, kw_only=True):
    """The processes that work off jobs, the one seen last first."""

    workers: list[workers.Worker]


class JobFilter(Contract, frozen=True, kw_only=True):
    """Which jobs."""

    site_id: str | None = None
    status: JobStatus | None = None
    kind: Slug | None = None


class JobRequest(Contract, frozen=True, kw_only=True):
    """Ask for a job of one site."""

    site_id: Slug
    kind: JobKind
    priority: Priority = "urgent"
    idempotency_key: Identifier | None = None
    """The same key again is the same request: it makes one job."""


def _jobs(call: Call) -> JobList:
    wanted = asked(call, JobFilter)
    found = jobs.list_jobs(
        call.state, wanted.site_id, wanted.status, job_type=wanted.kind
    )
    return JobList(jobs=found, counts=jobs.counts(call.state))


def _job(call: Call) -> Job:
    return jobs.get_job(call.state, call.path["job_id"])


def _request_job(call: Call) -> Job:
    wanted = sent(call, JobRequest)
    return requests.request(
        call.state,
        wanted.site_id,
        wanted.kind,
        wanted.priority,
        actor=OPERATOR,
        now=now(),
        key=wanted.idempotency_key,
    )


def _cancel_job(call: Call) -> Job:
    return jobs.cancel(call.state, call.path["job_id"], actor=OPERATOR, now=now())


def _retry_job(call: Call) -> Job:
    return jobs.retry(call.state, call.path["job_id"], actor=OPERATOR, now=now())


def _workers(call: Call) -> WorkerList:
    asked(call, Nothing)
    return WorkerList(workers=workers.list_workers(call.state))


JOBS = (
    Operation("GET", "/v1/jobs", "The jobs.", _jobs, JobList, JobFilter),
    Operation(
        "POST",
        "/v1/jobs",
        "Ask for a job; the one that answers the request is returned.",
        _request_job,
        Job,
        body=JobRequest,
    ),
    Operation("GET", "/v1/jobs/{job_id}", "One job.", _job, Job),
    Operation(
        "POST",
        "/v1/jobs/{job_id}/cancel",
        "End a job that is queued or running; a run under way is not stopped.",
        _cancel_job,
        Job,
    ),
    Operation(
        "POST",
        "/v1/jobs/{job_id}/retry",
        "Queue a failed or cancelled job again, due now.",
        _retry_job,
        Job,
    ),
    Operation("GET", "/v1/workers", "Who works off jobs.", _workers, WorkerList),
)
