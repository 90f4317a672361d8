"""What crossings are judged by: the sites' thresholds, and their running tests."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from code24.contracts.experiment import Experiment
from code24.contracts.threshold import DEFINITIONS, Threshold, ThresholdName
from code24.contracts.wire import GoalType


class Limit(NamedTuple):
    """A threshold's value, and over how many seconds is counted (0: no window)."""

    value: float
    window_seconds: int


class RunningTest(NamedTuple):
    """What of a running test the counters are judged by."""

    goal_type: GoalType
    control: str
    variants: tuple[str, ...]
    """The others."""


_DEFAULT = {
    name: Limit(found.value, found.window_seconds)
    for name, found in DEFINITIONS.items()
}


@dataclass(frozen=True, slots=True)
class Rules:
    """The thresholds and tests as the shared state had them at one moment."""

    limits: Mapping[tuple[str, ThresholdName], Limit] = field(default_factory=dict)
    tests: Mapping[tuple[str, str], RunningTest] = field(default_factory=dict)
    """By site and test."""

    def limit(self, site_id: str, name: ThresholdName) -> Limit:
        """Return what holds for a site."""
        return self.limits.get((site_id, name), _DEFAULT[name])


def rules_of(thresholds: Iterable[Threshold], tests: Iterable[Experiment]) -> Rules:
    """Return the rules that these thresholds and tests make."""
    limits = {
        (each.site_id, each.name): Limit(each.value, each.window_seconds)
        for each in thresholds
    }
    running = {
        (test.site_id, test.test_id): _running(test)
        for test in tests
        if test.status == "running"
    }
    return Rules(limits, running)


def _running(test: Experiment) -> RunningTest:
    first, *others = (variant.variant_id for variant in test.variants)
    return RunningTest(test.goal_type, first, tuple(others))
