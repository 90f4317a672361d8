import pytest

from code24.enrichment import bot_reason
from code24.enrichment.user_agents import describe
from tests.code24.enrichment.agents import PEOPLE, PROGRAMS


@pytest.mark.parametrize(("user_agent", "expected"), PEOPLE.items())
def test_a_browser_is_described(
    user_agent: str, expected: tuple[str, str, str]
) -> None:
    assert describe(user_agent) == expected


@pytest.mark.parametrize("user_agent", [*PROGRAMS, "", "-", "\x00é", "(" * 512])
def test_what_is_no_browser_is_some_other_device(user_agent: str) -> None:
    assert describe(user_agent).device == "other"


@pytest.mark.parametrize("user_agent", [*PEOPLE, *PROGRAMS])
def test_people_and_customers_programs_are_no_bots(user_agent: str) -> None:
    assert bot_reason(user_agent) is None
