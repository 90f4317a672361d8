"""Figures and results in words."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.console import wording

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
TEST = {
    "goal_type": "sales",
    "is_srm": False,
    "srm_p": 0.4,
    "srm_level": "ok",
    "is_enough_data": True,
}
LEADER = {
    "variant_id": "v1",
    "lift": 0.061,
    "lift_low": 0.02,
    "lift_high": 0.103,
    "chance_to_win": 0.987,
}


def decided(kind: str, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "variant_id": "v1", "is_claimed": False, **more}


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.0421, "+4.2%"), (-0.0421, "\u22124.2%"), (0.0, "+0.0%"), (None, "not known")],
)
def test_a_lift_has_a_sign(value: float | None, words: str) -> None:
    assert wording.lift(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.987, "98.7%"), (0.99999, "over 99.9%"), (1e-9, "under 0.1%")],
)
def test_a_chance_is_never_a_certainty(value: float, words: str) -> None:
    assert wording.chance(value) == words


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (5, "just now"),
        (60, "1 minute ago"),
        (7_300, "2 hours ago"),
        (200_000, "2 days ago"),
    ],
)
def test_an_age_has_its_largest_unit(ago: int, words: str) -> None:
    assert wording.age(NOW - timedelta(seconds=ago), NOW) == words


def test_text_of_customers_is_shown_as_it_is() -> None:
    assert wording.plain("*a* <b> [x](y) :red[z] $1") == (
        r"\*a\* \<b\> \[x\]\(y\) \:red\[z\] \$1"
    )


def test_a_proven_win_says_so() -> None:
    said = wording.headline(TEST, LEADER, decided("ship", is_claimed=True))
    assert said.tone == "good"
    assert said.text == (
        "Variant v1 is shown to everyone: it raises sales by an estimated 6.1% (90% "
        "interval +2.0% to +10.3%); its chance to beat the control is 98.7%. "
        "The win is proven."
    )


def test_a_shipped_bet_is_not_called_proven() -> None:
    assert (
        "the win is not proven" in wording.headline(TEST, LEADER, decided("ship")).text
    )


def test_a_broken_split_names_no_winner_whatever_was_decided() -> None:
    broken = {**TEST, "is_srm": True, "srm_p": 0.0006, "srm_level": "alarm"}
    said = wording.headline(broken, LEADER, decided("ship"))
    assert said.tone == "caution"
    assert "No winner is named" in said.text
    assert "were not split as planned (p = 0.0006)" in said.text


def test_an_open_test_says_what_is_shown_so_far() -> None:
    unclear = {**LEADER, "lift": -0.01, "lift_low": -0.05, "lift_high": 0.03}
    said = wording.headline(TEST, unclear, decided("keep"))
    assert said.text.startswith(
        "No difference shown yet: v1 lowers sales by an estimat"
    )
    assert wording.headline(TEST, LEADER, None).text.startswith("Variant v1 is ahead")


def test_a_doubtful_split_is_not_called_broken() -> None:
    doubtful = {**TEST, "is_srm": True, "srm_p": 0.0086, "srm_level": "warning"}
    said = wording.headline(doubtful, LEADER, decided("hold"))
    assert "may not have been split as planned (p = 0.0086)" in said.text


def test_little_data_is_said_before_any_difference() -> None:
    early = {**TEST, "is_enough_data": False}
    said = wording.headline(early, LEADER, decided("keep"))
    assert said.text.startswith("Too early to say: so far v1 raises sales")


def test_a_test_without_visitors_says_so() -> None:
    said = wording.headline(TEST, None, None)
    assert said == ("Nothing can be said yet: too few visitors came.", "neutral")


def test_a_roll_back_is_said_before_anything_else() -> None:
    evidence = '{"guardrail": {"metric": "goal"}}'
    rolled = decided("stop", reason="Rolled back: v1.", evidence=evidence)
    found = wording.headline({**TEST, "is_srm": True}, LEADER, rolled)
    assert found == wording.Headline(wording.plain("Rolled back: v1."), "bad")
    plain_stop = decided("stop", reason="No difference.", evidence="{}")
    assert wording.headline(TEST, LEADER, plain_stop).text.startswith("Stopped")
