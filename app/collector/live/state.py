"""The live state as a whole: apply records, in order; one lock for all who look."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence

from app.collector.live.counters import Counters, Key
from app.collector.live.crossings import Crossing, Crossings
from app.collector.live.rules import Rules
from app.collector.live.sighting import Conversion, Exposure, Sighting, minute_of
from app.collector.live.units import Units
from code24.state.analysed import Analysed


class LiveState:
    """Counters, attribution and crossings of the partition up to ``offset``."""

    def __init__(self, partition: str) -> None:
        self.partition = partition
        self.lock = threading.Lock()
        """Held by whoever reads or changes what is below."""
        self.on_crossing: Callable[[], None] = _nobody
        """Called when something was crossed, with the lock held: it must not wait."""
        self.reset()

    def reset(self) -> None:
        """Become empty, at offset 0; the rules go too."""
        self.offset = 0
        """The next record to apply."""
        self.counters = Counters()
        self.units = Units()
        self.crossings = Crossings(self.counters, self.units)
        self.pending: dict[Crossing, None] = {}
        """What was crossed and is not in the outbox yet, the oldest first."""

    def apply(self, start: int, sightings: Sequence[Sighting]) -> None:
        """Count records that follow one another from an offset on.

        Records before ``offset`` were counted and are passed over.
        """
        with self.lock:
            crossed = [
                crossing
                for number, one in enumerate(sightings, start)
                if one.is_counted and number >= self.offset
                for crossing in self._apply(number, one)
            ]
            self.offset = max(self.offset, start + len(sightings))
            self._note(crossed)

    def follow(self, rules: Rules | None, analysed: Iterable[Analysed]) -> None:
        """Take in rules that changed and what was analysed since."""
        with self.lock:
            if rules is not None:
                self.crossings.rules = rules
            for each in analysed:
                if each.partition == self.partition:
                    self.crossings.analysed(each.site_id, each.test_id, each.offset)
            self._note(list(self.crossings.enough()))

    def settle(self, crossing: Crossing) -> None:
        """Note that a crossing is in the outbox."""
        with self.lock:
            self.pending.pop(crossing, None)

    def forget_site(self, site_id: str) -> None:
        """Drop all that is held of a site."""
        with self.lock:
            self.counters.forget_site(site_id)
            self.units.forget_site(site_id)
            self.crossings.forget_site(site_id)

    def forget_unit(self, unit: int) -> None:
        """Drop a unit (``unit_digest``); what it was counted for stays counted."""
        with self.lock:
            self.units.forget_unit(unit)

    def _apply(self, offset: int, one: Sighting) -> Iterator[Crossing]:
        minute = minute_of(one.received_at)
        if one.conversion is not None:
            yield from self._convert(offset, minute, one, one.conversion)
        elif one.exposure is not None:
            self._expose(minute, one.site_id, one.exposure)
        for measure in one.measures:
            self.counters.add(Key(one.site_id, "", "", "", measure), minute)
        for measure in one.measures:
            if measure == "errors":
                yield from self.crossings.failed(one.site_id, offset, one.received_at)
            elif measure != "page_views":
                yield from self.crossings.measured(
                    one.site_id, measure, offset, one.received_at
                )

    def _expose(self, minute: int, site_id: str, exposure: Exposure) -> None:
        _, test_id, variant_id, _ = exposure
        self.counters.add(Key(site_id, test_id, variant_id, "", "exposures"), minute)
        first = self.units.expose(site_id, exposure)
        if first is not None:
            self.counters.add(Key(*first, "", "units"), minute)

    def _convert(
        self, offset: int, minute: int, one: Sighting, reached: Conversion
    ) -> Iterator[Crossing]:
        goal = reached.goal_type
        self._count(Key(one.site_id, "", "", goal, "conversions"), minute, reached)
        arms = self.units.convert(reached)
        for arm in arms:
            self._count(Key(*arm, goal, "conversions"), minute, reached)
        for arm in arms:
            yield from self.crossings.converted(arm, goal, offset, one.received_at)

    def _count(self, key: Key, minute: int, reached: Conversion) -> None:
        self.counters.add(key, minute)
        if reached.value_cents:
            value = key._replace(measure="value_cents")
            self.counters.add(value, minute, reached.value_cents)

    def _note(self, crossed: Sequence[Crossing]) -> None:
        if crossed:
            self.pending.update(dict.fromkeys(crossed))
            self.on_crossing()


def _nobody() -> None:
    """Stand for those who want to be told of crossings, until there are some."""
