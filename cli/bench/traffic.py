"""Simulated traffic of many sites in the order of its receipt, without end.

Visits of several pages with heartbeats, vitals, exposures and conversions; two events
in a hundred come late and one comes twice, both up to 72 hours after the first time, so
that they fall into later batches than what they belong to.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from heapq import heappop, heappush
from random import Random
from typing import Any, NamedTuple

from code24.contracts.experiment import Experiment, Variant
from code24.contracts.wire import encode

SITES = 100
START = datetime(2026, 1, 1, tzinfo=UTC)
LATEST_S = 72 * 3600
LATE = 0.02
TWICE = 0.01
AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/13{}.0.0.0 Safari/537.36"
)
BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"


class Received(NamedTuple):
    """One event as it arrives."""

    received_at: datetime
    body: bytes
    """A native event's JSON text."""


class Traffic:
    """The events of ``SITES`` sites, the same for one seed.

    Args:
        a_day: events of all sites a day.
        visitors: how many there are in all; each has one site.
    """

    def __init__(self, a_day: int, visitors: int, seed: int = 1) -> None:
        self._random = Random(seed)  # noqa: S311 - simulated visitors, no secret
        self._visitors = visitors
        self._events_a_second = a_day / 86_400
        self._made = 0
        self._waiting: list[tuple[float, int, bytes]] = []

    def events(self) -> Iterator[Received]:
        """Yield events for ever; what is left of a visit is lost with the iterator."""
        while True:
            clock = self._made / self._events_a_second
            while self._waiting and self._waiting[0][0] <= clock:
                at, _, body = heappop(self._waiting)
                yield Received(_moment(at), body)
            for body in self._visit(clock):
                draw = self._random.random()
                if draw < LATE + TWICE:
                    self._postpone(clock, body)
                if draw >= LATE:
                    yield Received(_moment(clock), body)

    def _postpone(self, clock: float, body: bytes) -> None:
        at = clock + self._random.random() * LATEST_S
        heappush(self._waiting, (at, self._made, body))

    def _visit(self, clock: float) -> Iterator[bytes]:
        """Yield the events of the visit that has just ended."""
        rng = self._random
        visitor = rng.randrange(self._visitors)
        site = f"site{visitor % SITES}"
        common = {
            "siteId": site,
            "visitorId": f"v{visitor}",
            "sessionId": f"s{self._made}" if visitor % 2 else None,
        }
        agent = BOT if visitor % 50 == 0 else AGENT.format(visitor % 10)
        at = clock - 900 + rng.random() * 300
        if rng.random() < 0.5:
            yield self._event(common, at, _exposure(site, visitor, agent))
        for page in range(rng.randrange(1, 4)):
            view = {"pageViewId": f"p{self._made}", "userAgent": agent}
            url = f"https://{site}.example/{rng.randrange(200)}"
            yield self._event({**common, "url": url}, at, _page(view))
            for _ in range(rng.randrange(2)):
                at += 10
                yield self._event(
                    {**common, "url": url}, at, _named(view, "engagement")
                )
            if page == 0 and rng.random() < 0.3:
                vital = {**view, "lcp": rng.randrange(900, 5_000)}
                yield self._event(
                    {**common, "url": url}, at, _named(vital, "web_vital")
                )
            at += 1 + rng.random() * 120
        if rng.random() < 0.05:
            value = round(rng.random() * 80, 2)
            yield self._event(common, at, _conversion(agent, value))

    def _event(self, common: dict[str, Any], at: float, kind: dict[str, Any]) -> bytes:
        self._made += 1
        own = {"id": f"e{self._made:010d}", "timestamp": _moment(at)}
        return encode({**common, **own, **kind})


def experiments() -> Iterator[Experiment]:
    """Yield one running test of each site."""
    for number in range(SITES):
        yield Experiment(
            test_id=f"test-site{number}",
            site_id=f"site{number}",
            test_type="headline",
            goal_type="traffic",
            variants=tuple(Variant(variant_id=f"v{n}", name=f"{n}") for n in range(2)),
            traffic_split=(0.5, 0.5),
            status="running",
            start_date=START,
        )


def _moment(seconds: float) -> datetime:
    return START + timedelta(milliseconds=int(seconds * 1000))


def _page(view: dict[str, Any]) -> dict[str, Any]:
    return {"eventType": "page_view", "metadata": view}


def _named(view: dict[str, Any], name: str) -> dict[str, Any]:
    return {"eventType": "interaction", "metadata": {**view, "name": name}}


def _exposure(site: str, visitor: int, agent: str) -> dict[str, Any]:
    variant = visitor // SITES % 2
    shown = {"experimentId": f"test-{site}", "variationId": f"v{variant}"}
    unit = {"unitId": f"v{visitor}", "userAgent": agent}
    return _named({**shown, **unit}, "experiment_viewed")


def _conversion(agent: str, value: float) -> dict[str, Any]:
    return {
        "eventType": "conversion",
        "goalType": "traffic",
        "conversionValue": value,
        "metadata": {"userAgent": agent},
    }
