"""Which thresholds are crossed: each crossing once, until it has gone back.

A crossing belongs to the record that made it, so that reading the log again finds the
same one, with the same offset.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

from app.collector.live.counters import Counters, Key
from app.collector.live.rules import Rules, RunningTest
from app.collector.live.sighting import POOR_VITALS
from app.collector.live.units import GOALS, Arm, Totals, Units
from code24.contracts.message import Priority
from code24.contracts.threshold import DEFINITIONS, ThresholdName
from code24.contracts.wire import GoalType
from code24.guardrail import least_drop

LEAST_MEASUREMENTS = 50
"""Of a web vital; of fewer one slow telephone is a quarter."""
BACK_AT = 0.8
"""The share of its limit to which a number must fall before it can cross again."""
MAX_OFFSETS = 2 * int(DEFINITIONS["conversions_since_analysis"].high)
"""Conversions remembered of a test: what came after an analysis that was slow must
still be told apart; 160 KB at most, in tests that nobody analyses."""
PRIORITY: dict[ThresholdName, Priority] = {
    "conversions_since_analysis": "medium",
    "guardrail_drop": "urgent",
    "error_burst": "high",
    "poor_web_vital": "low",
}


class Subject(NamedTuple):
    """What crossed: a threshold, and of what."""

    site_id: str
    name: ThresholdName
    test_id: str = ""
    detail: str = ""
    """The variant or the web vital."""


class Crossing(NamedTuple):
    """One crossing, at the record that made it."""

    subject: Subject
    value: float
    limit: float
    goal_type: str
    offset: int
    at: float
    """When the record was received, seconds since 1970."""


class Reached(NamedTuple):
    """The conversions of a test on one goal since it was last analysed."""

    offsets: "array[int]"
    at: float
    """When the newest was received."""


class _Finding(NamedTuple):
    """How a number stands to its limit: over it, or back far enough to cross again."""

    value: float
    limit: float
    is_over: bool
    is_back: bool
    goal_type: str = ""


SinceKey = tuple[str, str, str]
"""Site, test, goal."""


class Crossings:
    """What is counted since the last analysis, and what is crossed now."""

    def __init__(self, counters: Counters, units: Units) -> None:
        self.rules = Rules()
        self.crossed: dict[Subject, int] = {}
        """At which record each threshold was crossed that has not gone back."""
        self.since: dict[SinceKey, Reached] = {}
        self.changed_since: set[SinceKey] = set()
        self._analysed: dict[tuple[str, str], int] = {}
        self._counters = counters
        self._units = units

    def analysed(self, site_id: str, test_id: str | None, offset: int) -> None:
        """Count no conversions before this record any more; of all tests where none."""
        key = (site_id, test_id or "")
        self._analysed[key] = max(offset, self._analysed.get(key, 0))
        for since in [key for key in self.since if key[0] == site_id]:
            if test_id in (None, since[1]):
                self._forget_before(since, offset)

    def converted(
        self, arm: Arm, goal_type: GoalType, offset: int, at: float
    ) -> Iterator[Crossing]:
        """Count a conversion of a test's unit, and yield what it makes cross."""
        test_id = arm.test_id
        own = self._analysed.get((arm.site_id, test_id), 0)
        if offset >= max(own, self._analysed.get((arm.site_id, ""), 0)):
            self._count((arm.site_id, test_id, goal_type), offset, at)
        test = self.rules.tests.get((arm.site_id, test_id))
        if test is None or test.goal_type != goal_type:
            return
        yield from self._enough((arm.site_id, test_id, goal_type))
        for variant in test.variants:
            yield from self._dropped(arm.site_id, test_id, variant, test, offset, at)

    def failed(self, site_id: str, offset: int, at: float) -> Iterator[Crossing]:
        """Yield the crossing that an error makes."""
        limit = self.rules.limit(site_id, "error_burst")
        errors = self._counters.total(_of_site(site_id, "errors"), limit.window_seconds)
        subject = Subject(site_id, "error_burst")
        is_back = errors <= BACK_AT * limit.value
        finding = _Finding(errors, limit.value, errors >= limit.value, is_back)
        yield from self._judge(subject, finding, offset, at)

    def measured(
        self, site_id: str, measure: str, offset: int, at: float
    ) -> Iterator[Crossing]:
        """Yield the crossing that a measurement of a web vital makes."""
        metric = measure.removesuffix("_measured")
        if metric not in POOR_VITALS:
            return
        limit = self.rules.limit(site_id, "poor_web_vital")
        measured = self._counters.total(
            _of_site(site_id, measure), limit.window_seconds
        )
        poor = self._counters.total(
            _of_site(site_id, f"{metric}_poor"), limit.window_seconds
        )
        share = poor / max(measured, 1)
        is_over = measured >= LEAST_MEASUREMENTS and share > limit.value
        subject = Subject(site_id, "poor_web_vital", detail=metric)
        is_back = share <= BACK_AT * limit.value
        finding = _Finding(share, limit.value, is_over, is_back)
        yield from self._judge(subject, finding, offset, at)

    def enough(self) -> Iterator[Crossing]:
        """Yield what crosses since rules or analyses have changed."""
        for site_id, test_id, goal in list(self.since):
            test = self.rules.tests.get((site_id, test_id))
            if test is not None and test.goal_type == goal:
                yield from self._enough((site_id, test_id, goal))

    def forget_site(self, site_id: str) -> None:
        """Drop all that is counted of a site."""
        for key in [key for key in self.since if key[0] == site_id]:
            del self.since[key]
            self.changed_since.add(key)
        for subject in [one for one in self.crossed if one.site_id == site_id]:
            del self.crossed[subject]

    def _count(self, key: SinceKey, offset: int, at: float) -> None:
        offsets = self.since[key].offsets if key in self.since else array("q")
        offsets.append(offset)
        if len(offsets) > MAX_OFFSETS:
            del offsets[: MAX_OFFSETS // 2]
        self.since[key] = Reached(offsets, at)
        self.changed_since.add(key)

    def _forget_before(self, key: SinceKey, offset: int) -> None:
        reached = self.since[key]
        del reached.offsets[: bisect_left(reached.offsets, offset)]
        self.changed_since.add(key)
        if not reached.offsets:
            del self.since[key]
        subject = Subject(key[0], "conversions_since_analysis", key[1])
        if self.crossed.get(subject, offset) < offset:
            del self.crossed[subject]

    def _enough(self, key: SinceKey) -> Iterator[Crossing]:
        reached = self.since.get(key)
        if reached is None:
            return
        site_id, test_id, goal = key
        limit = self.rules.limit(site_id, "conversions_since_analysis").value
        count = len(reached.offsets)
        yield from self._judge(
            Subject(site_id, "conversions_since_analysis", test_id),
            _Finding(count, limit, count >= limit, False, goal),
            reached.offsets[-1],
            reached.at,
        )

    def _dropped(
        self,
        site_id: str,
        test_id: str,
        variant: str,
        test: RunningTest,
        offset: int,
        at: float,
    ) -> Iterator[Crossing]:
        limit = self.rules.limit(site_id, "guardrail_drop")
        control, other = (
            self._reach(
                Arm(site_id, test_id, name), test.goal_type, limit.window_seconds
            )
            for name in (test.control, variant)
        )
        is_over = least_drop(control, other, limit.value) > 0
        lost = 1 - _rate(other) / max(_rate(control), 1e-12)
        yield from self._judge(
            Subject(site_id, "guardrail_drop", test_id, variant),
            _Finding(lost, limit.value, is_over, lost <= limit.value, test.goal_type),
            offset,
            at,
        )

    def _reach(self, arm: Arm, goal: GoalType, window_seconds: int) -> tuple[int, int]:
        """Return an arm's units and those converted; of a window their events."""
        if window_seconds:
            units = self._counters.total(Key(*arm, "", "units"), window_seconds)
            reached = Key(*arm, goal, "conversions")
            return units, self._counters.total(reached, window_seconds)
        totals: Totals = self._units.total(arm)
        return totals.units, totals.converted[GOALS.index(goal)]

    def _judge(
        self, subject: Subject, finding: _Finding, offset: int, at: float
    ) -> Iterator[Crossing]:
        """Yield a crossing that was not there before; note one that has gone back."""
        if finding.is_over and subject not in self.crossed:
            self.crossed[subject] = offset
            value, limit, _, _, goal_type = finding
            yield Crossing(subject, value, limit, goal_type, offset, at)
        elif finding.is_back:
            self.crossed.pop(subject, None)


def _of_site(site_id: str, measure: str) -> Key:
    return Key(site_id, "", "", "", measure)


def _rate(counts: tuple[int, int]) -> float:
    return counts[1] / max(counts[0], 1)
