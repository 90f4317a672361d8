"""Thresholds: defaults until set, limits that are named, audited changes."""

import pytest

from code24.contracts.threshold import DEFINITIONS, default, fault
from code24.state import NotKnownError, State, StateError, audit, thresholds
from tests.code24.state.conftest import NOW


@pytest.mark.parametrize("name", thresholds.NAMES)
def test_each_default_is_within_its_own_limits_and_explained(
    state: State, name: str
) -> None:
    [found] = [one for one in thresholds.list_thresholds(state) if one.name == name]
    assert found == default("shop", found.name)
    assert fault(found.name, found.value, found.window_seconds) is None
    definition = DEFINITIONS[found.name]
    assert all((definition.meaning, definition.reason, definition.consequence))


def test_what_is_set_holds_until_it_is_reset(state: State) -> None:
    made = thresholds.set_threshold(
        state, "shop", "error_burst", 7, 600, actor="cli", now=NOW
    )
    assert (made.value, made.window_seconds, made.is_default) == (7.0, 600, False)
    assert thresholds.list_changed(state) == [made]
    kept = thresholds.set_threshold(state, "shop", "error_burst", 8, actor="c", now=NOW)
    assert kept.window_seconds == 600
    assert kept in thresholds.list_thresholds(state, "shop")
    back = thresholds.reset_thresholds(state, "shop", actor="cli", now=NOW)
    assert back == [default("shop", "error_burst")]
    assert thresholds.list_changed(state) == []
    assert thresholds.reset_thresholds(state, "shop", actor="cli", now=NOW) == []


def test_every_change_is_audited_once(state: State) -> None:
    for _ in range(2):
        thresholds.set_threshold(
            state, "shop", "guardrail_drop", 0.3, actor="eve", now=NOW
        )
    thresholds.reset_thresholds(state, "shop", ["guardrail_drop"], actor="eve", now=NOW)
    found = audit.list_entries(state, subject="site:shop")
    actions = [entry for entry in found if entry.action.startswith("threshold.")]
    assert [entry.action for entry in actions] == ["threshold.reset", "threshold.set"]
    assert actions[1].actor == "eve"
    assert actions[1].before["value"] == DEFINITIONS["guardrail_drop"].value
    assert actions[1].after["value"] == 0.3


@pytest.mark.parametrize(
    ("name", "value", "window", "words"),
    [
        ("errors", 1.0, None, "'errors': must be one of"),
        ("error_burst", 0.0, None, "error_burst=0: must be from 1 to 1e+06"),
        ("error_burst", float("nan"), None, "error_burst=nan: must be from"),
        ("error_burst", 5.0, 30, "a window of 30 s must be from 60 to 3600 s"),
        ("error_burst", 5.0, 0, "a window of 0 s must be from 60 to 3600 s"),
        ("guardrail_drop", 0.2, 7200, "or 0 for no window"),
        ("conversions_since_analysis", 5.0, 60, "a window of 60 s must be"),
    ],
)
def test_what_is_not_allowed_is_named(
    state: State, name: str, value: float, window: int | None, words: str
) -> None:
    with pytest.raises(StateError) as refused:
        thresholds.set_threshold(
            state, "shop", name, value, window, actor="cli", now=NOW
        )
    assert words in str(refused.value)
    assert thresholds.list_changed(state) == []


def test_an_unknown_site_is_named(state: State) -> None:
    with pytest.raises(NotKnownError, match="'nowhere'"):
        thresholds.list_thresholds(state, "nowhere")
    with pytest.raises(NotKnownError, match="'nowhere'"):
        thresholds.set_threshold(
            state, "nowhere", "error_burst", 5, actor="cli", now=NOW
        )
