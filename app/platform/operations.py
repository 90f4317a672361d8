"""What the control API can do, as data: routed and described from one list."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from threading import Lock
from typing import Literal, NamedTuple, TypeVar

import msgspec

from code24.contracts.decision import Decision
from code24.contracts.experiment import Experiment, TestStatus
from code24.contracts.release import Switches
from code24.contracts.site import Site
from code24.contracts.wire import Contract
from code24.releases import Publisher, Reader
from code24.settings import Settings
from code24.state import State, audit, decisions, experiments, jobs, sites

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
    """The jobs, the latest due first."""

    jobs: list[jobs.Job]


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
    status: jobs.JobStatus | None = None


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
    return JobList(jobs=jobs.list_jobs(call.state, wanted.site_id, wanted.status))


def _undo(call: Call) -> Decision:
    return decisions.undo(
        call.state, call.path["decision_id"], actor=OPERATOR, now=datetime.now(UTC)
    )


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
        "Bring a test back to where it was before a decision; the log keeps both.",
        _undo,
        Decision,
    ),
    Operation("GET", "/v1/jobs", "The jobs.", _jobs, JobList, JobFilter),
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
