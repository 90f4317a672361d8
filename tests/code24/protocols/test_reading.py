from typing import Any

import pytest

from code24.protocols.goal_events import goal_of, named_event
from code24.protocols.reading import moment, number, text


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("2026-11-05T12:00:00Z", "2026-11-05T12:00:00Z"),
        ("2026-11-05T12:00:00", "2026-11-05T12:00:00Z"),
        ("2026-11-05T12:00:00+02:00", "2026-11-05T12:00:00+02:00"),
        ("2026-11-05T12:00:00-0200", "2026-11-05T12:00:00-0200"),
        (1_793_880_000, "2026-11-05T12:00:00+00:00"),
        (1_793_880_000_500, "2026-11-05T12:00:00.500000+00:00"),
        (1e300, 1e300),
        ("soon", "soon"),
        (None, None),
        (True, True),
    ],
)
def test_a_time_in_the_ways_that_clients_write_it(given: Any, read: Any) -> None:
    assert moment(given) == read


@pytest.mark.parametrize(
    ("given", "read"),
    [
        (5, 5.0),
        ("49.90", 49.9),
        (-3.5, -3.5),
        ("much", None),
        ("nan", None),
        (float("inf"), None),
        (10**400, None),
        (1e10, None),
        (True, None),
        ([1], None),
    ],
)
def test_a_number_in_the_ways_that_clients_write_it(given: Any, read: Any) -> None:
    assert number(given) == read


def test_a_text_or_a_whole_number_is_a_text() -> None:
    values: list[Any] = ["a", "", 7, True, 1.5, None, []]
    read = ["a", None, "7", None, None, None, None]
    assert [text(value) for value in values] == read


@pytest.mark.parametrize(
    ("name", "goal"),
    [
        ("Order Completed", "sales"),
        ("order_completed", "sales"),
        ("orderCompleted", "sales"),
        ("generate_lead", "leads"),
        ("SignUp", "signups"),
        ("Signup", "signups"),
        ("Booking  Confirmed", "bookings"),
        ("Order Refunded", None),
        ("", None),
        ("SIGN UP", "signups"),
    ],
)
def test_a_goal_s_name_in_any_style(name: str, goal: str | None) -> None:
    assert goal_of(name) == goal


def test_a_conversion_has_the_first_value_that_is_one() -> None:
    told = named_event("purchase", {"revenue": "", "total": "7", "value": 9})
    assert told["conversionValue"] == 7
    assert named_event("purchase", {})["conversionValue"] is None
    assert named_event("Clicked", {"value": 9}) == {"eventType": "interaction"}
