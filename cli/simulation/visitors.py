"""A day's visitors of one simulated site, as events at the collector's door.

What a visitor is shown follows from the release alone: holdout, running tests by the
hashing of ``code24.assignment``, winners to everybody else. The truth about effects
decides only who converts.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from code24.assignment import assign
from code24.contracts.event import DeadLetter, LogRecord
from code24.contracts.release import Shard
from code24.contracts.wire import GoalType
from code24.holdout import is_held_out
from code24.intake import admit
from code24.request_facts import RequestFacts

FACTS = RequestFacts(
    user_agent=(
        "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    )
)
DAY_SECONDS = 86_000
"""Visitors come in these seconds of a day, so that their conversions are of it too."""
UNTIL_CONVERSION = timedelta(seconds=60)
MOST_LIKELY = 0.95
GOAL: GoalType = "sales"


@dataclass(frozen=True)
class Visit:
    """One visitor of a day: what is shown, and whether it converts."""

    site_id: str
    unit: str
    at: datetime
    shown: Mapping[str, int]
    """The variant's index in each running test that the visitor takes part in."""
    is_converted: bool


@dataclass
class Crowd:
    """What was simulated, to be held against what the warehouse counts."""

    units: Counter[tuple[str, int]] = field(default_factory=Counter)
    """By test and variant."""
    conversions: Counter[tuple[str, int]] = field(default_factory=Counter)
    events: int = 0

    def note(self, visit: Visit, events: int) -> None:
        """Count one visit."""
        self.events += events
        for arm in visit.shown.items():
            self.units[arm] += 1
            self.conversions[arm] += visit.is_converted


def visits(
    shard: Shard,
    visitors: int,
    rate: float,
    effects: Mapping[str, float],
    day: datetime,
    rng: np.random.Generator,
) -> Iterator[Visit]:
    """Yield the visitors of a day.

    Args:
        shard: the site's, of the release that is served.
        visitors: how many come; nobody comes twice.
        rate: of conversion where nothing was changed.
        effects: the true log rate ratio of each test's variant.
        day: its beginning.
        rng: decides when they come and who converts.
    """
    seconds = np.sort(rng.uniform(0, DAY_SECONDS, visitors))
    luck = rng.random(visitors)
    for number in range(visitors):
        unit = f"{shard.site_id}-{day:%Y%m%d}-{number}"
        shown, log_ratio = _shown(shard, unit, effects)
        chance = min(rate * float(np.exp(log_ratio)), MOST_LIKELY)
        at = day + timedelta(seconds=float(seconds[number]))
        yield Visit(shard.site_id, unit, at, shown, bool(luck[number] < chance))


def _shown(
    shard: Shard, unit: str, effects: Mapping[str, float]
) -> tuple[dict[str, int], float]:
    """Return the variants that the release gives to a unit, and what they do to it."""
    if is_held_out(shard.site_id, shard.holdout, unit):
        return {}, 0.0
    running = {test.test_id: assign(test, unit) for test in shard.tests}
    shown = {test: index for test, index in running.items() if index is not None}
    changed = [test for test, index in shown.items() if index > 0]
    changed += [
        test.test_id
        for test in shard.tests
        if test.status == "complete"
        and test.winner_variant not in (None, test.variants[0].variant_id)
    ]
    return shown, sum(effects[test] for test in changed)


def admitted(visit: Visit, shard: Shard) -> list[LogRecord | DeadLetter]:
    """Take a visit's events through the door, each as it would come."""
    bodies = [*_exposures(visit, shard), *_conversions(visit)]
    return [
        admit(
            body,
            origin="live",
            received_at=datetime.fromisoformat(body["timestamp"]),
            source="simulation",
            sites={visit.site_id},
            expected_site=visit.site_id,
            facts=FACTS,
        )
        for body in bodies
    ]


def _exposures(visit: Visit, shard: Shard) -> Iterator[dict[str, Any]]:
    variants = {test.test_id: test.variants for test in shard.tests}
    for test_id, index in visit.shown.items():
        yield _event(visit, visit.at) | {
            "eventType": "interaction",
            "metadata": {
                "name": "experiment_viewed",
                "experimentId": test_id,
                "variationId": variants[test_id][index].variant_id,
                "unitId": visit.unit,
            },
        }


def _conversions(visit: Visit) -> Iterator[dict[str, Any]]:
    if visit.is_converted:
        yield _event(visit, visit.at + UNTIL_CONVERSION) | {
            "eventType": "conversion",
            "goalType": GOAL,
        }


def _event(visit: Visit, at: datetime) -> dict[str, Any]:
    return {
        "siteId": visit.site_id,
        "visitorId": visit.unit,
        "timestamp": at.isoformat(),
    }
