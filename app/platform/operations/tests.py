"""The tests: made, started, paused, stopped, shipped, and each decision taken back."""

from collections.abc import Callable
from typing import Annotated, Literal

import msgspec

from app.platform.operations.operation import (
    OPERATOR,
    Call,
    Operation,
    Trying,
    asked,
    now,
    publish_change,
    sent,
)
from code24.contracts.decision import Decision
from code24.contracts.experiment import (
    Experiment,
    Namespace,
    Share,
    TestStatus,
    Variant,
)
from code24.contracts.metric import Metric
from code24.contracts.targeting import StickyBucketing, Targeting
from code24.contracts.wire import Contract, GoalType, Moment, Slug
from code24.state import decisions, experiments, schedule

UNSAID = "no reason given"
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=1_000)]


class TestList(Contract, frozen=True, kw_only=True):
    """The tests, by id."""

    tests: list[Experiment]


class TestFilter(Contract, frozen=True, kw_only=True):
    """Which tests."""

    site_id: str | None = None
    status: TestStatus | None = None


class NewTest(Contract, frozen=True, kw_only=True):
    """A test's definition, which does not change once it is made."""

    test_id: Slug
    site_id: Slug
    test_type: Slug
    goal_type: GoalType
    variants: tuple[Variant, ...]
    """The control first."""
    traffic_split: tuple[Share, ...]
    coverage: Share = 1.0
    hash_version: Literal[1, 2] = 2
    seed: str | None = None
    namespace: Namespace | None = None
    targeting: Targeting | None = None
    """Whom and where it asks; everybody everywhere where absent."""
    sticky_bucketing: StickyBucketing | None = None
    planned_start_date: Moment | None = None
    planned_end_date: Moment | None = None
    metrics: tuple[Metric, ...] = ()
    """What it is judged by; the defaults of its goal where none is given."""


class Reason(Contract, frozen=True, kw_only=True):
    """Why; the decision log or the audit log keeps it."""

    reason: Text | None = None


class Schedule(Contract, frozen=True, kw_only=True):
    """When a test starts and ends by itself; what is not given is not planned."""

    planned_start_date: Moment | None = None
    planned_end_date: Moment | None = None


class Shipping(Contract, frozen=True, kw_only=True):
    """Which variant everybody is to see, and why."""

    variant: Slug
    reason: Text | None = None


def _tests(call: Call) -> TestList:
    wanted = asked(call, TestFilter)
    found = experiments.list_tests(call.state, wanted.site_id, wanted.status)
    return TestList(tests=found)


def _test(call: Call) -> Experiment:
    return experiments.get_test(call.state, call.path["test_id"])


def _create(call: Call) -> Experiment:
    """Make a draft; nothing is published, as drafts are nobody's business yet."""
    is_trial = asked(call, Trying).dry_run
    wanted = msgspec.convert(msgspec.to_builtins(sent(call, NewTest)), Experiment)
    if is_trial:
        experiments.check_test(call.state, wanted)
        return wanted
    return experiments.create_test(call.state, wanted, actor=OPERATOR, now=now())


def _moving(to: TestStatus) -> Callable[[Call], Experiment]:
    def move(call: Call) -> Experiment:
        test_id, why = call.path["test_id"], sent(call, Reason).reason
        test = experiments.transition(
            call.state, test_id, to, actor=OPERATOR, now=now(), reason=why
        )
        publish_change(call, {"by": OPERATOR, "for": f"test {test_id} {to}"})
        return test

    return move


def _stop(call: Call) -> Decision:
    return _conclude(call, None, sent(call, Reason).reason)


def _ship(call: Call) -> Decision:
    wanted = sent(call, Shipping)
    return _conclude(call, wanted.variant, wanted.reason)


def _conclude(call: Call, variant: str | None, reason: str | None) -> Decision:
    test_id = call.path["test_id"]
    decided = decisions.conclude(
        call.state,
        test_id,
        variant,
        reason=reason or UNSAID,
        actor=OPERATOR,
        now=now(),
    )
    provenance = {"by": OPERATOR, "for": f"decision {decided.decision_id}"}
    publish_change(call, provenance)
    return decided


def _undo(call: Call) -> Decision:
    test_id, why = call.path["test_id"], sent(call, Reason).reason
    undoing = decisions.undo_last(
        call.state, test_id, actor=OPERATOR, now=now(), reason=why
    )
    publish_change(call, {"by": OPERATOR, "for": f"undo of test {test_id}"})
    return undoing


def _schedule(call: Call) -> Experiment:
    wanted = sent(call, Schedule)
    return schedule.set_schedule(
        call.state,
        call.path["test_id"],
        starts=wanted.planned_start_date,
        ends=wanted.planned_end_date,
        actor=OPERATOR,
        now=now(),
    )


def _step(
    step: str,
    summary: str,
    run: Callable[[Call], Contract],
    answer: type[Contract],
    body: type[Contract] = Reason,
) -> Operation:
    path = f"/v1/tests/{{test_id}}/{step}"
    return Operation("POST", path, summary, run, answer, body=body)


TESTS = (
    Operation("GET", "/v1/tests", "The tests.", _tests, TestList, TestFilter),
    Operation("GET", "/v1/tests/{test_id}", "One test.", _test, Experiment),
    Operation(
        "POST",
        "/v1/tests",
        "Make a test, a draft; made before with an equal definition, nothing changes. "
        "With dryRun it is checked and not made.",
        _create,
        Experiment,
        Trying,
        NewTest,
    ),
    _step(
        "start",
        "Start a draft, or let a paused test go on, and publish that.",
        _moving("running"),
        Experiment,
    ),
    _step(
        "pause",
        "Show everybody the control until the test is started again, and publish that.",
        _moving("paused"),
        Experiment,
    ),
    _step(
        "schedule",
        "Plan when a draft starts and when the test is decided for good and ends, in "
        "place of what was planned.",
        _schedule,
        Experiment,
        Schedule,
    ),
    _step("stop", "End a test, keep its control, and publish that.", _stop, Decision),
    _step(
        "ship",
        "End a test, show one variant to everybody, and publish that.",
        _ship,
        Decision,
        Shipping,
    ),
    _step(
        "undo",
        "Bring a test back to where it was before its last decision, and publish that; "
        "the log keeps both.",
        _undo,
        Decision,
    ),
)
