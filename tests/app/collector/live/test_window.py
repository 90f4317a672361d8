"""The ids of 24 hours: none forgotten before, all found again after a start."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.collector.live import window as module
from app.collector.live.window import Window

HOUR = 3600.0


def ids(count: int) -> list[bytes]:
    return [os.urandom(16) for _ in range(count)]


@pytest.fixture
def window(tmp_path: Path) -> Iterator[Window]:
    made = Window(tmp_path)
    made.begin(0)
    yield made
    made.close()


def settle(window: Window) -> None:
    """Let the run that is being made be finished."""
    if window._pending is not None:
        window._pending.result()


def test_an_id_is_known_for_24_hours_and_not_for_ever(window: Window) -> None:
    batches = [ids(50) for _ in range(28)]
    for hour, batch in enumerate(batches):
        window.add(batch, hour * HOUR, 50 * (hour + 1))
        settle(window)
        for age, earlier in enumerate(reversed(batches[: hour + 1])):
            if age <= 24:
                assert window.known(earlier) == set(earlier)
    assert window.known(batches[0]) == set()
    assert window.known(ids(1_000)) == set()


def test_ids_that_begin_alike_are_told_apart(window: Window) -> None:
    same = os.urandom(8)
    alike = [same + os.urandom(8) for _ in range(20)]
    window.add(alike, 0.0, 20)
    window.add(ids(1), 2 * HOUR, 21)
    settle(window)
    assert window.known(alike) == set(alike)
    assert window.known([same + os.urandom(8) for _ in range(20)]) == set()


def test_a_full_set_becomes_a_run_while_its_ids_stay_known(
    window: Window, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(module, "RUN_IDS", 100)
    batches = [ids(60) for _ in range(10)]
    for number, batch in enumerate(batches):
        window.add(batch, 1.0, 60 * (number + 1))
        for earlier in batches[: number + 1]:
            assert window.known(earlier) == set(earlier)
    settle(window)
    assert len(window) == 600
    assert len(list(tmp_path.glob("*.npy"))) == 5


def test_beyond_its_bound_the_oldest_go_early_and_are_counted(
    window: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_IDS", 250)
    batches = [ids(100) for _ in range(6)]
    for number, batch in enumerate(batches):
        window.add(batch, number * HOUR, 100 * (number + 1))
        settle(window)
    assert window.evicted > 0
    assert len(window) <= 250 + 100
    assert window.known(batches[0]) == set()
    assert window.known(batches[-1]) == set(batches[-1])


def test_runs_are_found_again_and_say_from_where_to_read_on(tmp_path: Path) -> None:
    first = Window(tmp_path)
    assert first.end is None
    first.begin(7)
    closed, still_open = ids(40), ids(5)
    first.add(closed, 0.0, 47)
    first.add(ids(1), HOUR, 48)
    first.add(still_open, HOUR, 53)
    first.close()
    again = Window(tmp_path)
    assert again.end == 48
    assert again.known(closed) == set(closed)
    assert again.known(still_open) == set()
    again.close()


@pytest.mark.parametrize("harm", ["cut", "gone"])
def test_a_damaged_run_is_read_from_the_log_again(tmp_path: Path, harm: str) -> None:
    first = Window(tmp_path)
    first.begin(0)
    for hour in range(6):
        first.add(ids(10), hour * HOUR, 10 * (hour + 1))
        settle(first)
    first.close()
    runs = sorted(tmp_path.glob("*.npy"))
    assert len(runs) == 3
    if harm == "cut":
        os.truncate(runs[1], 100)
    else:
        runs[1].unlink()
    again = Window(tmp_path)
    assert again.end == int(runs[1].name[:20])
    assert len(list(tmp_path.glob("*.npy"))) == 1
    again.close()
