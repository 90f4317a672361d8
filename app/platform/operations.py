"""What the control API can do, as data: routed and described from one list."""

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from threading import Lock
from typing import Literal, NamedTuple, TypeVar

import msgspec

from code24.contracts.decision import Decision
from code24.contracts.experiment import Experiment, TestStatus
from code24.contracts.message import JobKind, Priority
from code24.contracts.release import Switches
from code24.contracts.site import Site
from code24.contracts.wire import Contract, Identifier, Slug
from code24.errors import Code24Error
from code24.publishing import publish
from code24.releases import Publisher, Reader
from code24.settings import Settings
from code24.state import (
    State,
    audit,
    decisions,
    experiments,
    jobs,
    requests,
    sites,
    workers,
)
from code24.state.jobs import Job, JobStatus

LOG = logging.getLogger(__name__)

OPERATOR = "operator"
"""The actor of every change made through this API."""
_switching = Lock()
Q = TypeVar("Q", bound=Contract)


class Health(Contract, frozen=True, kw_only=True):
    """Whether the control API can do its work; 503 and ``degraded`` where not."""

    status: Literal["ok", "degraded"] = "ok"
    degraded: bool = False
    reason: str | None = None


class Problem(Contract, frozen=True, kw_only=True):
    """Why a request was refused, in one line."""

    error: str


class SiteList(Contract, frozen=True, kw_only=True):
    """The sites with their goals and public keys, by id."""

    sites: list[Site]


class TestList(Contract, frozen=True, kw_only=True):
    """The tests, by id."""

    tests: list[Experiment]


class DecisionList(Contract, frozen=True, kw_only=True):
    """The decisions in the order they were taken."""

    decisions: list[Decision]


class JobList(Contract, frozen=True, kw_only=True):
    """The jobs, the latest due first, and how many of all there are by status."""

    jobs: list[Job]
    counts: dict[JobStatus, int]


class WorkerList(Contract, frozen=True, kw_only=True):
    """The processes that work off jobs, the one seen last first."""

    workers: list[workers.Worker]


class Nothing(Contract, frozen=True, kw_only=True):
    """No filter."""


class TestFilter(Contract, frozen=True, kw_only=True):
    """Which tests."""

    site_id: str | None = None
    status: TestStatus | None = None


class DecisionFilter(Contract, frozen=True, kw_only=True):
    """Which decisions."""

    test_id: str | None = None


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


class SwitchRequest(Contract, frozen=True, kw_only=True):
    """Turn one site or one test off, or on again."""

    is_off: bool
    site_id: str | None = None
    test_id: str | None = None

    def __post_init__(self) -> None:
        """Reject a request that names both or neither."""
        if (self.site_id is None) == (self.test_id is None):
            raise ValueError("name one of siteId and testId")


class Call(NamedTuple):
    """One request, and what it is answered from."""

    state: State
    settings: Settings
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes


class Operation(NamedTuple):
    """One route: how it is called, what it takes, what it answers."""

    method: Literal["GET", "POST"]
    path: str
    summary: str
    run: Callable[[Call], Contract]
    answer: type[Contract]
    query: type[Contract] = Nothing
    body: type[Contract] | None = None


def _health(call: Call) -> Health:
    sites.site_version(call.state)
    return Health()


def _sites(call: Call) -> SiteList:
    _filter(call, Nothing)
    return SiteList(sites=sites.list_sites(call.state))


def _tests(call: Call) -> TestList:
    wanted = _filter(call, TestFilter)
    found = experiments.list_tests(call.state, wanted.site_id, wanted.status)
    return TestList(tests=found)


def _decisions(call: Call) -> DecisionList:
    wanted = _filter(call, DecisionFilter)
    found = decisions.list_decisions(call.state, wanted.test_id)
    return DecisionList(decisions=found)


def _jobs(call: Call) -> JobList:
    wanted = _filter(call, JobFilter)
    found = jobs.list_jobs(
        call.state, wanted.site_id, wanted.status, job_type=wanted.kind
    )
    return JobList(jobs=found, counts=jobs.counts(call.state))


def _job(call: Call) -> Job:
    return jobs.get_job(call.state, call.path["job_id"])


def _request_job(call: Call) -> Job:
    wanted = msgspec.json.decode(call.body, type=JobRequest)
    return requests.request(
        call.state,
        wanted.site_id,
        wanted.kind,
        wanted.priority,
        actor=OPERATOR,
        now=datetime.now(UTC),
        key=wanted.idempotency_key,
    )


def _cancel_job(call: Call) -> Job:
    job_id, now = call.path["job_id"], datetime.now(UTC)
    return jobs.cancel(call.state, job_id, actor=OPERATOR, now=now)


def _retry_job(call: Call) -> Job:
    job_id, now = call.path["job_id"], datetime.now(UTC)
    return jobs.retry(call.state, job_id, actor=OPERATOR, now=now)


def _workers(call: Call) -> WorkerList:
    _filter(call, Nothing)
    return WorkerList(workers=workers.list_workers(call.state))


def _undo(call: Call) -> Decision:
    """Undo, then publish at once; where that fails, the job asked for will do it."""
    decision_id = call.path["decision_id"]
    undoing = decisions.undo(
        call.state, decision_id, actor=OPERATOR, now=datetime.now(UTC)
    )
    try:
        publish(call.settings, {"undo": decision_id})
    except Code24Error as error:
        LOG.warning("undone, but not published yet: %s", error)
    return undoing


def _switches(call: Call) -> Switches:
    return _reader(call.settings).switches()


def _switch(call: Call) -> Switches:
    """Write the switch first: it must act even where it cannot be audited."""
    wanted = msgspec.json.decode(call.body, type=SwitchRequest)
    subject = _known(call.state, wanted)
    publisher = Publisher(call.settings.releases, call.settings.keys)
    with _switching:
        before = _reader(call.settings).switches()
        after = publisher.set_switches(
            _switched(before.sites_off, wanted.site_id, is_off=wanted.is_off),
            _switched(before.tests_off, wanted.test_id, is_off=wanted.is_off),
        )
    if after != before:
        audit.note(
            call.state,
            "switch.off" if wanted.is_off else "switch.on",
            subject,
            actor=OPERATOR,
            now=datetime.now(UTC),
            before=before,
            after=after,
        )
    return after


def _known(state: State, wanted: SwitchRequest) -> str:
    if wanted.site_id is not None:
        return f"site:{sites.get_site(state, wanted.site_id).site_id}"
    return f"test:{experiments.get_test(state, str(wanted.test_id)).test_id}"


def _switched(names: tuple[str, ...], name: str | None, *, is_off: bool) -> set[str]:
    changed = set() if name is None else {name}
    return set(names) | changed if is_off else set(names) - changed


def _reader(settings: Settings) -> Reader:
    return Reader(settings.releases, settings.keys / "verify.pub")


def _filter(call: Call, kind: type[Q]) -> Q:
    return msgspec.convert(dict(call.query), kind)


OPERATIONS = (
    Operation("GET", "/health", "Whether the control API works.", _health, Health),
    Operation("GET", "/v1/sites", "The sites.", _sites, SiteList),
    Operation("GET", "/v1/tests", "The tests.", _tests, TestList, TestFilter),
    Operation(
        "GET",
        "/v1/decisions",
        "The decision log.",
        _decisions,
        DecisionList,
        DecisionFilter,
    ),
    Operation(
        "POST",
        "/v1/decisions/{decision_id}/undo",
        "Bring a test back to where it was before a decision, and publish that; the "
        "log keeps both.",
        _undo,
        Decision,
    ),
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
    Operation("GET", "/v1/switches", "What is switched off.", _switches, Switches),
    Operation(
        "POST",
        "/v1/switches",
        "Switch a site or a test off or on; it acts within half a second.",
        _switch,
        Switches,
        body=SwitchRequest,
    ),
)
