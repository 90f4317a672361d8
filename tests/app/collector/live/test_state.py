"""The counters are a function of the log: whatever the batches, starts and files."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from app.collector.live import counters as counters_module
from app.collector.live import units as units_module
from app.collector.live.checkpoint import Checkpoint, take_changes
from app.collector.live.counters import Key
from app.collector.live.sighting import Sighting, cents, sighting
from app.collector.live.state import LiveState
from tests.app.collector.live.records import (
    converted,
    exposed,
    failed,
    measured,
    record,
    seen,
)


def applied(sightings: Sequence[Sighting]) -> LiveState:
    state = LiveState("live")
    state.apply(0, sightings)
    return state


def numbers(state: LiveState) -> dict[tuple[str, ...], int]:
    """Return the sums over all minutes, by test, variant, goal and measure."""
    sums: dict[tuple[str, ...], int] = {}
    for _, key, amount in state.counters.numbers():
        place = tuple(part for part in key[1:] if part)
        sums[place] = sums.get(place, 0) + amount
    return sums


def everything(state: LiveState) -> list[Any]:
    """Return all that a state holds, in an order of its own."""
    return [
        state.offset,
        sorted(state.counters.numbers()),
        list(state.units.items()),
        state.units.arms,
        state.units.totals,
        {key: (list(r.offsets), r.at) for key, r in state.crossings.since.items()},
        state.crossings.crossed,
        list(state.pending),
    ]


def traffic(count: int, seed: int = 7) -> list[Sighting]:
    """Return events of all kinds over two hours."""
    chance = random.Random(seed)  # noqa: S311 - events, not secrets
    made = []
    for number in range(count):
        second = number * 7200 / count
        unit = f"u{chance.randrange(count // 20)}"
        kind = chance.randrange(6)
        made.append(
            exposed(number, unit, chance.choice("ab"), second)
            if kind < 2
            else converted(number, unit, second, chance.choice([None, 9.99, -1.5]))
            if kind == 2
            else failed(number, second)
            if kind == 3
            else measured(number, second, lcp=chance.choice([900, 5000]), cls="0.3")
            if kind == 4
            else seen(number, second)
        )
    return made


def test_a_conversion_counts_for_the_first_variant_from_its_time_on() -> None:
    state = applied(
        [
            converted(0, "u", second=0, value=1),
            exposed(1, "u", "b", second=10),
            exposed(2, "u", "a", second=11),
            converted(3, "u", second=12, value=19.99),
            converted(4, "u", second=9, value=5),
            converted(5, "other", second=13),
        ]
    )
    assert numbers(state) == {
        ("sales", "conversions"): 4,
        ("sales", "value_cents"): 2599,
        ("hero", "b", "exposures"): 1,
        ("hero", "a", "exposures"): 1,
        ("hero", "b", "units"): 1,
        ("hero", "b", "sales", "conversions"): 1,
        ("hero", "b", "sales", "value_cents"): 1999,
    }


@pytest.mark.parametrize(
    "changes",
    [{"bot_reason": "user_agent"}, {"origin": "import"}, {"origin": "replay"}],
)
def test_bots_and_what_was_imported_are_not_counted(changes: dict[str, Any]) -> None:
    state = applied([seen(0, **changes), converted(1, "u", **changes)])
    assert numbers(state) == {}
    assert state.offset == 2


def test_page_views_errors_and_vitals_count_for_the_site() -> None:
    state = applied(
        [
            seen(0),
            failed(1),
            measured(2, lcp=4000, cls=0.1, inp="499", ttfb="slow", fcp=True),
            seen(3, event_type="interaction", metadata={"name": "scroll"}),
            seen(4, event_type="interaction", metadata={"name": ["error"]}),
        ]
    )
    assert numbers(state) == {
        ("page_views",): 1,
        ("errors",): 1,
        ("lcp_measured",): 1,
        ("lcp_poor",): 1,
        ("cls_measured",): 1,
        ("inp_measured",): 1,
    }


def test_an_hour_s_minutes_are_kept_and_no_more() -> None:
    state = applied([seen(n, second=60 * n) for n in range(130)])
    minutes = [minute for minute, _, _ in state.counters.numbers()]
    assert len(minutes) == len(state.counters) == 60
    assert minutes == list(range(state.counters.minute - 59, state.counters.minute + 1))
    views = Key("shop", "", "", "", "page_views")
    assert state.counters.total(views, 300) == 5
    assert state.counters.total(views, 3600) == 60


def test_a_request_that_took_long_counts_in_its_own_minute() -> None:
    views = Key("shop", "", "", "", "page_views")
    early = applied([seen(0, 0), seen(1, 130), seen(2, 59), seen(3, 61)])
    assert [amount for _, _, amount in early.counters.numbers()] == [2, 1, 1]
    assert early.counters.total(views, 120) == 2
    early.apply(4, [seen(4, 125), seen(5, 60)])
    assert early.counters.total(views, 120) == 4


def test_batches_and_records_read_twice_make_no_difference() -> None:
    events = traffic(3_000)
    whole = applied(events)
    parts = LiveState("live")
    for start in range(0, len(events), 37):
        parts.apply(max(start - 20, 0), events[max(start - 20, 0) : start + 37])
    assert everything(parts) == everything(whole)


def test_a_checkpoint_and_the_log_s_tail_make_the_same_state(tmp_path: Path) -> None:
    events = traffic(3_000)
    whole = applied(events)
    running = LiveState("live")
    checkpoint = Checkpoint(tmp_path / "counters.db", "live")
    for start in range(0, 2_000, 250):
        running.apply(start, events[start : start + 250])
        checkpoint.write(take_changes(running))
    checkpoint.close()
    again = LiveState("live")
    reopened = Checkpoint(tmp_path / "counters.db", "live")
    assert reopened.load(again)
    assert everything(again) == everything(applied(events[:2_000]))
    again.apply(1_500, events[1_500:])
    assert everything(again) == everything(whole)
    reopened.close()


def test_what_could_not_be_written_is_written_with_the_next(tmp_path: Path) -> None:
    events = traffic(600)
    state = LiveState("live")
    checkpoint = Checkpoint(tmp_path / "counters.db", "live")
    state.apply(0, events[:200])
    checkpoint.write(take_changes(state))
    state.apply(200, events[200:400])
    lost = take_changes(state)
    state.apply(400, events[400:])
    checkpoint.write(lost.followed_by(take_changes(state)))
    checkpoint.close()
    again = LiveState("live")
    reopened = Checkpoint(tmp_path / "counters.db", "live")
    reopened.load(again)
    reopened.close()
    assert everything(again) == everything(state)


@pytest.mark.parametrize("content", [b"no database at all" * 100, b""])
def test_a_checkpoint_that_cannot_be_read_is_made_anew(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "counters.db"
    path.write_bytes(content)
    checkpoint = Checkpoint(path, "live")
    state = LiveState("live")
    assert not checkpoint.load(state)
    state.apply(0, traffic(100))
    checkpoint.write(take_changes(state))
    checkpoint.close()
    again = LiveState("live")
    reopened = Checkpoint(path, "live")
    assert reopened.load(again)
    reopened.close()
    assert everything(again) == everything(state)


def test_another_partition_s_checkpoint_is_not_taken(tmp_path: Path) -> None:
    path = tmp_path / "counters.db"
    checkpoint = Checkpoint(path, "live")
    checkpoint.write(take_changes(applied(traffic(50))))
    checkpoint.close()
    other = Checkpoint(path, "elsewhere")
    state = LiveState("elsewhere")
    assert not other.load(state)
    assert state.offset == 0
    other.close()


def test_the_unit_seen_least_recently_goes_and_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(units_module, "MAX_UNITS", 2)
    state = applied(
        [
            exposed(0, "old", "a"),
            exposed(1, "busy", "a"),
            converted(2, "old"),
            exposed(3, "new", "a"),
            converted(4, "busy"),
            converted(5, "old"),
        ]
    )
    assert state.units.evicted == 1
    assert len(state.units) == 2
    assert numbers(state)["hero", "a", "sales", "conversions"] == 2


def test_names_that_a_page_invents_do_not_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(units_module, "MAX_SITE_ARMS", 3)
    monkeypatch.setattr(counters_module, "MAX_NUMBERS", 50)
    state = applied([exposed(n, f"u{n}", f"v{n}", second=n) for n in range(500)])
    assert len(state.units.arms) == 3
    assert state.units.evicted == 497
    assert len(state.counters) <= 51
    assert state.counters.evicted > 0
    assert not applied([exposed(0, "u", "v" * 129)]).units.arms


def test_a_site_is_forgotten_with_all_that_is_held_of_it(tmp_path: Path) -> None:
    other: dict[str, Any] = {"site_id": "blog"}
    state = applied([*traffic(500), exposed(500, "u", "a", **other)])
    state.forget_site("shop")
    assert {key.site_id for _, key, _ in state.counters.numbers()} <= {"blog"}
    assert len(state.units) == 1
    checkpoint = Checkpoint(tmp_path / "counters.db", "live")
    checkpoint.write(take_changes(state))
    checkpoint.close()
    again = LiveState("live")
    reopened = Checkpoint(tmp_path / "counters.db", "live")
    reopened.load(again)
    reopened.close()
    assert everything(again) == everything(state)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.005, 1), (-0.005, -1), (1.005, 100), (19.99, 1999), (0.0, 0), (1e9, 10**11)],
)
def test_cents_are_rounded_as_sql_does(value: float, expected: int) -> None:
    assert cents(value) == expected


def test_a_duplicate_has_the_same_digest_and_another_site_s_has_not() -> None:
    assert seen(1).digest == seen(1, second=5).digest
    assert seen(1).digest != seen(2).digest
    other = sighting(record(1, site_id="blog"))
    assert seen(1).digest != other.digest
