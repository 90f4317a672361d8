"""The loop, once, in this process, told of step by step."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self
from uuid import uuid4

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluation,
)
from dagster_shared.error import SerializableErrorInfo

from code24.contracts.decision import Decision
from code24.releases import NoReleaseError, Reader
from code24.settings import Settings
from code24.state import decisions, experiments, open_state, sites
from orchestration.automation import loop_job
from orchestration.definitions import build_definitions
from orchestration.defs.raw.assets import dead_letters
from orchestration.defs.raw.files import read_committed
from orchestration.instance import (
    free_abandoned,
    open_instance,
    prepare,
    process_tags,
)

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
"""Run configuration: what a run logs stays in Dagster's own log."""

StepStatus = Literal["started", "finished", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class StepUpdate:
    """What became of one step of the loop, when it became so."""

    step: str
    """The step's name, such as ``dbt_models``."""
    status: StepStatus
    seconds: float
    """Since the step started; 0 for one that starts or is skipped."""
    reason: str = ""
    """Of a failed step, in one line."""


@dataclass(frozen=True, slots=True)
class LoopResult:
    """What stands after the loop has run."""

    run_id: str
    sites: int
    events: int
    """Events in raw, duplicates too."""
    new_events: int
    """Events that this run drained."""
    tests: int
    """Tests known; those without visitors too."""
    decisions: dict[str, int]
    """Tests by the kind of their last decision."""
    new_decisions: int
    release_id: str | None
    """The release that is served; none before the first."""
    release_path: Path
    is_new_release: bool
    reports_version: str | None
    dead_letters: int
    failures: tuple[str, ...]
    """``<step>: <reason>`` for each step that failed, in one line each."""

    @property
    def is_success(self) -> bool:
        """Tell whether every step went through."""
        return not self.failures


def run_loop(settings: Settings, on_step: Callable[[StepUpdate], None]) -> LoopResult:
    """Run ``loop_job`` once in this process, recorded in the instance as any run.

    Args:
        settings: the home to work on; it is prepared first.
        on_step: called as each step starts, and again when it ends.

    Raises:
        Code24Error: the home cannot be prepared. A step that fails raises nothing:
            it is among the result's ``failures``.
    """
    prepare(settings)
    before = _Standing.of(settings)
    run_id = str(uuid4())
    watch = StepWatch(on_step)
    with open_instance(settings) as instance:
        job = build_definitions(settings).resolve_job_def(loop_job.name)
        free_abandoned(instance)
        instance.add_event_listener(run_id, watch)
        job.execute_in_process(
            instance=instance,
            run_id=run_id,
            raise_on_error=False,
            run_config=QUIET,
            tags=process_tags(),
        )
    return _result(settings, run_id, before, tuple(watch.failures))


class StepWatch:
    """Turns a run's events into updates, and keeps why steps failed."""

    def __init__(self, on_step: Callable[[StepUpdate], None]) -> None:
        self.failures: list[str] = []
        self._on_step = on_step
        self._started: dict[str, float] = {}
        self._failed_checks: dict[str, str] = {}

    def __call__(self, entry: dg.EventLogEntry) -> None:
        """Take one entry of the run's event log."""
        event = entry.dagster_event
        if event is None or event.step_key is None:
            return
        step = event.step_key
        if event.is_step_start:
            self._started[step] = time.monotonic()
            self._tell(step, "started")
        elif event.is_step_success:
            self._tell(step, "finished")
        elif event.is_step_failure:
            self._fail(step, one_line(event.step_failure_data.error))
        elif event.is_step_skipped:
            self._tell(step, "skipped")
        elif event.event_type == dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            self._note(step, event.asset_check_evaluation_data)

    def _note(self, step: str, check: AssetCheckEvaluation) -> None:
        """Keep what a failed check says, for when its step fails of it."""
        if not check.passed and check.description:
            self._failed_checks[step] = check.description

    def _fail(self, step: str, reason: str) -> None:
        reason = self._failed_checks.get(step, reason)
        self.failures.append(f"{step}: {reason}")
        self._tell(step, "failed", reason)

    def _tell(self, step: str, status: StepStatus, reason: str = "") -> None:
        now = time.monotonic()
        seconds = now - self._started.get(step, now)
        self._on_step(StepUpdate(step, status, seconds, reason))


def one_line(error: SerializableErrorInfo | None) -> str:
    """Return what the step itself raised, without the name of its class."""
    if error is None:
        return "no reason is known"
    error = error.cause or error
    message = error.message.strip()
    named = f"{error.cls_name}: "
    message = message.partition(named)[2] if named in message else message
    return " ".join(message.split())


@dataclass(frozen=True, slots=True)
class _Standing:
    """What can be told apart before and after a run."""

    events: int
    decisions: tuple[Decision, ...]
    release_id: str | None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        with open_state(settings.database_url) as state:
            log = decisions.list_decisions(state)
        events = sum(read_committed(settings.raw / "events").values())
        return cls(events, tuple(log), _release_id(settings))


def _release_id(settings: Settings) -> str | None:
    try:
        return Reader(settings.releases, settings.keys / "verify.pub").current_id()
    except NoReleaseError:
        return None


def _reports_version(settings: Settings) -> str | None:
    pointer = settings.reports / "CURRENT"
    return pointer.read_text() if pointer.exists() else None


def _result(
    settings: Settings, run_id: str, before: _Standing, failures: tuple[str, ...]
) -> LoopResult:
    after = _Standing.of(settings)
    last = {decision.test_id: decision.kind for decision in after.decisions}
    with open_state(settings.database_url) as state:
        known_sites = len(sites.list_sites(state))
        known_tests = len(experiments.list_tests(state))
    return LoopResult(
        run_id=run_id,
        sites=known_sites,
        events=after.events,
        new_events=after.events - before.events,
        tests=known_tests,
        decisions=dict(sorted(Counter(last.values()).items())),
        new_decisions=len(after.decisions) - len(before.decisions),
        release_id=after.release_id,
        release_path=settings.releases,
        is_new_release=after.release_id != before.release_id,
        reports_version=_reports_version(settings),
        dead_letters=sum(dead_letters(settings.log).values()),
        failures=failures,
    )
