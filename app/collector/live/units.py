"""Which variant each unit was shown first: what conversions are attributed by.

A unit counts for the variant of its first exposure in the log, from that exposure's
time on. The unit that was seen least recently goes when there are more than
``MAX_UNITS``, which is counted: its later conversions are nobody's until it is exposed
again. Memory: about 320 bytes a unit of one test, 130 MB in all at most.
"""

from collections.abc import Iterator
from typing import NamedTuple

from app.collector.live.sighting import Conversion, Exposure
from code24.contracts.wire import GoalType

MAX_UNITS = 400_000
MAX_ARMS = 50_000
"""Variants of tests in all; a page that invents names cannot fill the memory."""
MAX_SITE_ARMS = 2_000
MAX_UNIT_TESTS = 50
"""Tests of one unit; the oldest go."""
GOALS: tuple[GoalType, ...] = ("sales", "leads", "signups", "bookings", "traffic")
_BIT = {goal: 1 << index for index, goal in enumerate(GOALS)}


class Arm(NamedTuple):
    """A variant of a site's test."""

    site_id: str
    test_id: str
    variant_id: str


class Totals(NamedTuple):
    """What became of a variant's units since the first of them."""

    units: int = 0
    converted: tuple[int, ...] = (0,) * len(GOALS)
    """Units that reached each of ``GOALS`` once or more."""


Shown = tuple[int, float, int]
"""The arm's number, the first exposure's time, the bits of the goals reached."""


class Units:
    """The units seen last, the totals of every arm, and what is not on disk yet."""

    def __init__(self) -> None:
        self.evicted = 0
        """Units, and exposures of further arms, for which there was no room."""
        self.arms: list[Arm] = []
        self.totals: list[Totals] = []
        self.changed_units: dict[int, None] = {}
        """In the order in which they were seen last."""
        self.changed_arms: set[int] = set()
        self._shown: dict[int, tuple[Shown, ...]] = {}
        self._number: dict[Arm, int] = {}
        self._of_site: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._shown)

    def expose(self, site_id: str, exposure: Exposure) -> Arm | None:
        """Take in an exposure; return the unit's arm where it is the unit's first."""
        arm = Arm(site_id, exposure.test_id, exposure.variant_id)
        shown = self._touch(exposure.unit)
        if any(self.arms[number].test_id == arm.test_id for number, _, _ in shown):
            return None
        number = self._numbered(arm)
        if number is None:
            self.evicted += 1
            return None
        kept = (*shown, (number, exposure.at, 0))[-MAX_UNIT_TESTS:]
        self._keep(exposure.unit, kept)
        totals = self.totals[number]
        self.totals[number] = totals._replace(units=totals.units + 1)
        self.changed_arms.add(number)
        return self.arms[number]

    def convert(self, conversion: Conversion) -> list[Arm]:
        """Return the arms that a conversion counts for."""
        if conversion.unit not in self._shown:
            return []
        shown = self._touch(conversion.unit)
        bit = _BIT[conversion.goal_type]
        counted = [number for number, at, _ in shown if at <= conversion.at]
        for number, at, reached in shown:
            if at <= conversion.at and not reached & bit:
                self._reach(number, conversion.goal_type)
        kept = tuple(
            (number, at, reached | bit if at <= conversion.at else reached)
            for number, at, reached in shown
        )
        self._keep(conversion.unit, kept)
        return [self.arms[number] for number in counted]

    def total(self, arm: Arm) -> Totals:
        """Return an arm's totals; zeros where it was never seen."""
        number = self._number.get(arm)
        return Totals() if number is None else self.totals[number]

    def shown(self, unit: int) -> tuple[Shown, ...] | None:
        """Return what a unit was shown; none where it is not known, or no more."""
        return self._shown.get(unit)

    def restore_arm(self, arm: Arm, totals: Totals) -> None:
        """Take in an arm as a checkpoint has it, in the order of its number."""
        self._number[arm] = len(self.arms)
        self._of_site[arm.site_id] = self._of_site.get(arm.site_id, 0) + 1
        self.arms.append(arm)
        self.totals.append(totals)

    def restore_unit(self, unit: int, shown: tuple[Shown, ...]) -> None:
        """Take in a unit as a checkpoint has it, the one seen last at the end."""
        self._shown[unit] = shown

    def items(self) -> Iterator[tuple[int, tuple[Shown, ...]]]:
        """Yield every unit with what it was shown, the one seen last at the end."""
        yield from self._shown.items()

    def forget_unit(self, unit: int) -> None:
        """Drop a unit; what it was counted for stays counted."""
        if self._shown.pop(unit, None) is not None:
            self.changed_units[unit] = None

    def forget_site(self, site_id: str) -> None:
        """Drop the units and totals of a site; its arms keep their numbers."""
        numbers = {n for n, arm in enumerate(self.arms) if arm.site_id == site_id}
        gone = [unit for unit, shown in self._shown.items() if shown[0][0] in numbers]
        for unit in gone:
            self.forget_unit(unit)
        for number in numbers:
            self.totals[number] = Totals()
        self.changed_arms |= numbers

    def _touch(self, unit: int) -> tuple[Shown, ...]:
        shown = self._shown.pop(unit, None)
        if shown is None:
            return ()
        self._keep(unit, shown)
        return shown

    def _keep(self, unit: int, shown: tuple[Shown, ...]) -> None:
        self._shown[unit] = shown
        self.changed_units.pop(unit, None)
        self.changed_units[unit] = None
        if len(self._shown) > MAX_UNITS:
            oldest = next(iter(self._shown))
            self.forget_unit(oldest)
            self.evicted += 1

    def _numbered(self, arm: Arm) -> int | None:
        known = self._number.get(arm)
        if known is not None:
            return known
        has_room = self._of_site.get(arm.site_id, 0) < MAX_SITE_ARMS
        if not has_room or len(self.arms) >= MAX_ARMS:
            return None
        self.restore_arm(arm, Totals())
        return len(self.arms) - 1

    def _reach(self, number: int, goal: GoalType) -> None:
        units, converted = self.totals[number]
        index = GOALS.index(goal)
        more = (*converted[:index], converted[index] + 1, *converted[index + 1 :])
        self.totals[number] = Totals(units, more)
        self.changed_arms.add(number)
