"""Made-up traffic that is hard on incremental models, the same for one seed."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import msgspec

from code24.contracts.event import Event, LogRecord, Origin

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
SITES = ("alpha", "beta")
EXPERIMENTS = {"alpha": "headline", "beta": "layout"}
VARIANTS = ("control", "bold", "calm")
LATEST = timedelta(hours=72)
SKEWS = {"v2": timedelta(hours=3), "v3": timedelta(days=-800), "v5": timedelta(days=2)}
"""How far the clocks of some visitors are ahead."""
ARRIVALS = (
    ("", None),
    ("", None),
    ("", "https://www.google.com/"),
    ("", "https://l.facebook.com/"),
    ("", "https://blog.example/post"),
    ("&utm_source=News&utm_medium=email&utm_campaign=May", None),
    ("&gclid=1", "https://www.google.com/"),
)
BOT_REASONS = ("crawler-user-agents: Googlebot", "user-agent: crawl", "office")


class Traffic:
    """Batches of log records, about a day each, that reach into one another.

    Late events up to 72 hours, imported and replayed ones of weeks before, duplicates
    of any earlier event (same, restamped, sent again, or through the other partition),
    robots, clocks that are wrong by hours and years, visitors without consent,
    campaigns and referrers, sessions with and without a client's id, some of them
    longer than three days, visitors whose breaks late events close, units that switch
    variants.

    Args:
        seed: the same for the same traffic.
        events: fresh ones of a batch, about.
        history: whether imports and replays of weeks before are among them; without,
            an increment's bounds in time are near and leave most of the past out.
    """

    def __init__(self, seed: int, events: int = 150, *, history: bool = True) -> None:
        self._random = Random(seed)  # noqa: S311  no secret
        self._events = events
        self._old = events if history else 0
        self._made: list[Event] = []
        self._day = 0

    def batch(self, overtaking: int = 0) -> dict[str, list[LogRecord]]:
        """Return the next batch: records by partition, in the order they arrived.

        Args:
            overtaking: how many earlier events are imported once more; one that came
                live is overtaken, and everything is built anew.
        """
        fresh = [self._event() for _ in range(self._events)]
        fresh += [*self._restless(), self._quiet()]
        imported = [event for event in fresh if self._random.random() < 0.1]
        live = [event for event in fresh if event not in imported]
        imported += [self._history() for _ in range(self._old // 15)]
        replayed = [self._history() for _ in range(self._old // 30)]
        self._made += [*fresh, *imported, *replayed]
        live += [self._repeat() for _ in range(self._events // 8)]
        imported += [self._repeat() for _ in range(overtaking)]
        self._random.shuffle(live)
        self._random.shuffle(imported)
        self._day += 1
        return {
            "live": [
                *self._records(live, "live"),
                *self._records(replayed, "replay"),
            ],
            "import": self._records(imported, "import"),
        }

    def _records(self, events: list[Event], origin: Origin) -> list[LogRecord]:
        received_at = START + timedelta(days=self._day)
        return [
            LogRecord(
                event=_sent(event, received_at) if origin == "live" else event,
                received_at=received_at,
                origin=origin,
                bot_reason=self._random.choice(BOT_REASONS)
                if event.visitor_id.endswith("bot")
                else None,
            )
            for event in events
        ]

    def _history(self) -> Event:
        """Return an event of weeks ago, as imports and replays may bring."""
        ago = timedelta(days=self._random.randrange(5, 40), minutes=self._day)
        visitor = f"v{self._random.randrange(9)}"
        kind = self._random.choice(("page_view", "conversion", "engagement"))
        site_id = self._random.choice(SITES)
        return self._of_kind(kind, site_id, visitor, START - ago)

    def _moment(self) -> datetime:
        """Return a time of this day, or, for one event in five, up to 72 h before."""
        late = LATEST if self._random.random() < 0.2 else timedelta(days=1)
        end = START + timedelta(days=self._day)
        seconds = int(late.total_seconds())
        return end - timedelta(seconds=self._random.randrange(0, seconds, 7))

    def _event(self) -> Event:
        site_id = self._random.choice(SITES)
        visitor = f"v{self._random.randrange(9)}"
        if self._random.random() < 0.05:
            visitor += "-bot"
        elif self._random.random() < 0.1:
            visitor = f"c{self._random.randrange(3)}-{self._day}"
        kind = self._random.choices(
            ("page_view", "engagement", "web_vital", "experiment_viewed", "conversion"),
            (4, 3, 1, 3, 2),
        )[0]
        return self._of_kind(kind, site_id, visitor, self._moment())

    def _of_kind(
        self, kind: str, site_id: str, visitor: str, moment: datetime
    ) -> Event:
        is_interaction = kind not in ("page_view", "conversion")
        is_conversion = kind == "conversion"
        query, referrer = self._random.choice(ARRIVALS)
        return Event(
            id=f"e{len(self._made)}-{self._random.randrange(10**9)}",
            site_id=site_id,
            event_type="interaction" if is_interaction else kind,  # type: ignore[arg-type]
            visitor_id=visitor,
            session_id=self._session(visitor),
            timestamp=moment,
            goal_type=self._random.choice(("sales", "leads"))
            if is_conversion
            else None,
            conversion_value=self._value() if is_conversion else None,
            url=f"https://{site_id}.example/p{self._random.randrange(5)}?a=1{query}#top",
            referrer=referrer,
            metadata=self._metadata(kind, site_id, visitor),
        )

    def _session(self, visitor: str) -> str | None:
        """Return a client's session for every other visitor; some never end.

        Two visitors share each, so that one may turn out to have begun it.
        """
        number = int(visitor[1])
        if number % 2:
            return None
        return f"s{number // 4}-{self._random.choice((0, 0, self._day))}"

    def _value(self) -> float | None:
        return self._random.choice((None, 0.1, 19.99, -5.0, 1234.565))

    def _metadata(self, kind: str, site_id: str, visitor: str) -> dict[str, Any]:
        day = self._day - self._random.choice((0, 0, 1))
        page = f"p-{visitor}-{day}-{self._random.randrange(3)}"
        metadata: dict[str, Any] = {"device": self._random.choice(("mobile", "tablet"))}
        if visitor.startswith("c"):
            metadata["isCookieless"] = True
        if self._random.random() < 0.8:
            metadata |= {"pageViewId": page, "documentWidth": 9, "documentHeight": 90}
        if kind == "page_view":
            return {**metadata, "title": page}
        if kind == "engagement":
            scroll = {"scrollXMax": 1, "scrollYMax": self._random.randrange(80)}
            return {**metadata, **scroll, "name": kind, "viewportHeight": 10}
        if kind == "web_vital":
            lcp = self._random.randrange(900, 5000)
            values = {"lcp": lcp + 0.5, "cls": 0.01}
            return {**metadata, **values, "name": kind, "pageViewId": f"p-{visitor}"}
        if kind == "experiment_viewed":
            return {
                "name": kind,
                "experimentId": EXPERIMENTS[site_id],
                "variationId": self._variant(visitor),
                "unitId": self._random.choice(
                    (visitor, f"u{self._random.randrange(60)}")
                ),
            }
        return metadata

    def _variant(self, visitor: str) -> str:
        if self._random.random() < 0.9:
            return VARIANTS[int(visitor[1]) % 3]
        return self._random.choice((*VARIANTS, "gone"))

    def _restless(self) -> Iterator[Event]:
        """Yield a visitor who never pauses for half an hour, half of it late."""
        end = START + timedelta(days=self._day)
        for minutes in range(0, 24 * 60, 25):
            late = timedelta(days=self._random.choice((0, 1)))
            moment = end - timedelta(minutes=minutes) - late
            if self._random.random() < 0.9:
                yield self._of_kind("page_view", "alpha", "v7-restless", moment)

    def _quiet(self) -> Event:
        """Return all that happens on a quiet site.

        Each second event comes late, from another visitor, and takes the session of
        the one before to an earlier day, on which alone it is counted from then on.
        """
        pair, is_late = divmod(self._day, 2)
        moment = START + timedelta(days=2 * pair) - timedelta(hours=30 * is_late)
        event = self._of_kind("page_view", "quiet", f"q{is_late}", moment)
        return msgspec.structs.replace(event, session_id=f"pair-{pair}")

    def _repeat(self) -> Event:
        """Return an earlier event once more, now and then with another time."""
        event = self._random.choice(self._made)
        if self._random.random() < 0.7:
            return event
        moment = event.timestamp + timedelta(minutes=self._random.randrange(-90, 90))
        return msgspec.structs.replace(event, timestamp=moment)


def _sent(event: Event, received_at: datetime) -> Event:
    """Return the event as a visitor's clock shows it, sent a moment ago."""
    skew = SKEWS.get(event.visitor_id)
    if skew is None:
        return event
    return msgspec.structs.replace(
        event,
        timestamp=event.timestamp + skew,
        sent_at=received_at + skew - timedelta(milliseconds=300),
    )
