"""Crossings: one message each, whatever the batches, starts and outages."""

import time
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from app.collector.live.checkpoint import Checkpoint, take_changes
from app.collector.live.crossings import Crossing
from app.collector.live.follower import Follower
from app.collector.live.live import open_live
from app.collector.live.outbox import Outbox, message_of
from app.collector.live.rules import Limit, Rules, RunningTest
from app.collector.live.sighting import Sighting
from app.collector.live.state import LiveState
from code24 import forgetting
from code24.contracts.wire import encode
from code24.event_log import SegmentWriter
from code24.guardrail import least_drop
from code24.settings import Settings
from code24.state import State, analysed, messages, open_state, thresholds
from code24.state.analysed import Analysed
from code24.state.experiments import create_test
from tests.app.collector.live.records import (
    START,
    converted,
    exposed,
    failed,
    measured,
    record,
)
from tests.code24.state.conftest import experiment, state

__all__ = ["state"]  # the fixture of a shared state with the site ``shop``

HERO = {("shop", "hero"): RunningTest("sales", "v0", ("v1",))}
Apply = Callable[[Sequence[Sighting]], list[Crossing]]


@pytest.fixture
def live() -> LiveState:
    made = LiveState("live")
    limits = {("shop", "conversions_since_analysis"): Limit(3, 0)}
    made.follow(Rules(limits, HERO), [])  # type: ignore[arg-type]
    return made


def crossed(live: LiveState, sightings: Sequence[Sighting]) -> list[Crossing]:
    """Apply, and take what was crossed."""
    live.apply(live.offset, sightings)
    found = list(live.pending)
    for crossing in found:
        live.settle(crossing)
    return found


def note(live: LiveState, offset: int, test_id: str | None = None) -> list[Crossing]:
    """Note an analysis up to an offset, and take what that makes cross."""
    entry = Analysed(
        site_id="shop", test_id=test_id, partition="live", offset=offset, at=START
    )
    live.follow(None, [entry])
    return crossed(live, [])


def test_conversions_cross_once_until_they_are_analysed(live: LiveState) -> None:
    sales = [converted(n, "u", second=n) for n in range(1, 6)]
    [found] = crossed(live, [exposed(0, "u", "v1"), *sales])
    assert (found.subject.name, found.subject.test_id) == (
        "conversions_since_analysis",
        "hero",
    )
    assert (found.value, found.limit, found.offset) == (3, 3, 3)
    assert crossed(live, [converted(6, "u", second=6)]) == []
    assert note(live, 7) == []
    assert crossed(live, [converted(n, "u", second=n) for n in (7, 8)]) == []
    [again] = crossed(live, [converted(9, "u", second=9)])
    assert again.offset == 9


@pytest.mark.parametrize("test_id", [None, "hero"])
def test_what_came_during_an_analysis_crosses_when_it_is_noted(
    live: LiveState, test_id: str | None
) -> None:
    sales = [converted(n, "u", second=n) for n in range(1, 8)]
    assert len(crossed(live, [exposed(0, "u", "v1"), *sales])) == 1
    assert note(live, 2, "other") == []
    [again] = note(live, 4, test_id)
    assert (again.value, again.offset) == (4, 7)
    assert note(live, 3, test_id) == []


def test_other_goals_and_tests_that_do_not_run_ask_for_nothing(live: LiveState) -> None:
    ended = {"metadata": exposed(0, "w", "a").exposure and _viewed("ended")}
    leads = [converted(n, "u", goal_type="leads") for n in range(1, 9)]
    others = [converted(n, "w") for n in range(10, 19)]
    viewed = [exposed(0, "u", "v1"), exposed(9, "w", "v1", **ended)]  # type: ignore[arg-type]
    assert crossed(live, [*viewed, *leads, *others]) == []


def _viewed(test_id: str) -> dict[str, str]:
    return {
        "name": "experiment_viewed",
        "experimentId": test_id,
        "variationId": "a",
        "unitId": "w",
    }


def test_errors_cross_once_a_burst(live: LiveState) -> None:
    burst = [failed(n, second=n) for n in range(80)]
    [found] = crossed(live, burst)
    assert (found.subject.name, found.offset, found.value) == ("error_burst", 49, 50)
    assert crossed(live, [failed(80, second=200)]) == []
    [again] = crossed(live, [failed(100 + n, second=1000 + n) for n in range(60)])
    assert again.subject == found.subject


def test_few_errors_over_a_long_time_are_no_burst(live: LiveState) -> None:
    assert crossed(live, [failed(n, second=30 * n) for n in range(200)]) == []


def test_a_web_vital_crosses_when_a_quarter_is_poor(live: LiveState) -> None:
    good = [measured(n, lcp=1000, cls=0.01) for n in range(90)]
    poor = [measured(n, lcp=4000, cls=0.01) for n in range(90, 130)]
    assert crossed(live, good) == []
    [found] = crossed(live, poor)
    assert (found.subject.name, found.subject.detail) == ("poor_web_vital", "lcp")
    assert found.value == pytest.approx(31 / 121)


def test_few_measurements_say_nothing(live: LiveState) -> None:
    assert crossed(live, [measured(n, lcp=9000) for n in range(49)]) == []


def test_a_variant_that_loses_its_conversions_is_urgent(live: LiveState) -> None:
    events = []
    for n in range(1500):
        events.append(exposed(4 * n, f"c{n}", "v0"))
        events.append(exposed(4 * n + 1, f"v{n}", "v1"))
        if n % 5 == 0:
            events.append(converted(4 * n + 2, f"c{n}"))
        if n % 25 == 0:
            events.append(converted(4 * n + 3, f"v{n}"))
    found = [
        each for each in crossed(live, events) if each.subject.name == "guardrail_drop"
    ]
    [one] = found
    assert (one.subject.test_id, one.subject.detail) == ("hero", "v1")
    assert message_of(one, "live").priority == "urgent"


def test_looking_at_each_conversion_raises_few_false_alarms() -> None:
    chance = np.random.default_rng(3)
    alarms = 0
    for _ in range(400):
        reached = (chance.random((2, 4000)) < 0.08).cumsum(axis=1)
        looks = range(100, 4000, 20)
        alarms += any(
            least_drop((n, int(reached[0, n - 1])), (n, int(reached[1, n - 1])), 0.0)
            > 0
            for n in looks
        )
    assert alarms <= 400 * 0.02


def test_a_real_drop_is_found() -> None:
    assert least_drop((4000, 400), (4000, 200), 0.1) > 0
    assert least_drop((4000, 400), (4000, 350), 0.1) < 0
    assert least_drop((99, 50), (4000, 0), 0.1) == -1.0
    assert least_drop((4000, 9), (4000, 0), 0.1) == -1.0
    assert least_drop((4000, 400), (4000, 0), 0.1) > 0


def wait_until(condition: Callable[[], bool]) -> None:
    while not condition():
        time.sleep(0.01)


def log_of_three_sales(settings: Settings) -> None:
    records = [
        record(
            0,
            event_type="interaction",
            metadata={
                "name": "experiment_viewed",
                "experimentId": "hero",
                "variationId": "v1",
            },
        ),
        *(
            record(n, n, event_type="conversion", goal_type="sales")
            for n in range(1, 4)
        ),
    ]
    with SegmentWriter(settings.log, "live") as log:
        log.append([encode(one) for one in records])


@pytest.fixture
def ready(state: State, settings: Settings) -> State:
    """Return a state in which three sales of ``hero`` ask for an analysis."""
    create_test(state, experiment(), actor="test", now=START)
    thresholds.set_threshold(
        state, "shop", "conversions_since_analysis", 3, actor="test", now=START
    )
    log_of_three_sales(settings)
    return state


def test_each_start_finds_the_crossing_again_and_puts_one_message(
    ready: State, settings: Settings
) -> None:
    for _ in range(3):
        with open_live(settings, "live", ready) as live:
            wait_until(lambda: not live.state.pending)
        for file in settings.live.glob("counters.db*"):
            file.unlink()
    [message] = messages.list_messages(ready, "shop")
    assert message.payload == {
        "threshold": "conversions_since_analysis",
        "value": 3,
        "limit": 3,
        "partition": "live",
        "offset": 3,
        "testId": "hero",
        "goalType": "sales",
    }
    assert (message.type, message.priority) == ("analytics_event", "medium")


def test_a_crossing_waits_while_the_shared_state_is_away(
    ready: State, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = LiveState("live")
    Follower(live, ready).look()
    monkeypatch.setattr("code24.state.store.BUSY_MS", 1)
    with open_state(settings.database_url) as impatient:
        outbox = Outbox(live, impatient)
        with ready.write():
            outbox.start(0)
            events = [exposed(0, "u", "v1"), *(converted(n, "u") for n in (1, 2, 3))]
            live.apply(0, events)
            wait_until(lambda: outbox.failures > 1)
            assert (len(live.pending), outbox.put) == (1, 0)
        wait_until(lambda: not live.pending)
        outbox.close()
    assert outbox.put == 1


def test_a_crossing_that_was_not_put_is_put_after_the_next_start(
    ready: State, settings: Settings
) -> None:
    live = LiveState("live")
    Follower(live, ready).look()
    live.apply(0, [exposed(0, "u", "v1"), *(converted(n, "u") for n in (1, 2, 3))])
    settings.live.mkdir(parents=True)
    checkpoint = Checkpoint(settings.live / "counters.db", "live")
    checkpoint.write(take_changes(live))
    checkpoint.close()
    with open_live(settings, "live", ready) as again:
        wait_until(lambda: not again.state.pending)
        assert again.outbox.put == 1


def test_an_analysis_noted_while_it_was_down_is_known_at_the_start(
    ready: State, settings: Settings
) -> None:
    with open_live(settings, "live", ready) as live:
        wait_until(lambda: not live.state.pending)
    analysed.record(ready, "shop", "live", 4, START)
    with open_live(settings, "live", ready) as live:
        assert live.state.crossings.since == {}
        assert live.state.crossings.crossed == {}
        assert live.outbox.put == 0


def test_an_analysis_is_followed_within_a_moment(
    ready: State, settings: Settings
) -> None:
    with open_live(settings, "live", ready) as live:
        analysed.record(ready, "shop", "live", 4, START)
        wait_until(lambda: not live.state.crossings.since)


def test_a_log_that_was_cut_makes_the_state_anew(
    ready: State, settings: Settings
) -> None:
    with open_live(settings, "live", ready) as live:
        assert live.state.offset == 4
    for file in (settings.log / "live").iterdir():
        file.unlink()
    with open_live(settings, "live", ready) as live:
        assert live.state.offset == 0
        assert len(live.window) == 0
        assert live.state.crossings.rules.tests


def test_what_is_asked_to_be_forgotten_is_gone_from_memory_and_disk(
    ready: State, settings: Settings
) -> None:
    unit = forgetting.unit_digest("shop", "v")
    with open_live(settings, "live", ready) as live:
        assert live.state.units.shown(unit) is not None
        request = forgetting.ask(settings.live, "shop", ["v"])
        wait_until(lambda: not request.exists())
        assert live.state.units.shown(unit) is None
    forgetting.ask(settings.live, "shop")
    with open_live(settings, "live", ready) as live:
        assert live.state.units.shown(unit) is None
        assert len(live.state.counters) == 0
        assert not live.state.crossings.since
    assert forgetting.asked(settings.live) == []


def test_records_that_were_erased_are_passed_over(
    ready: State, settings: Settings
) -> None:
    with SegmentWriter(settings.log, "live") as log:
        log.append([b'{"removed":"2026-11-24"}', encode(record(9))])
    with open_live(settings, "live", ready) as live:
        assert live.state.offset == 6
        assert len(live.window) == 5
