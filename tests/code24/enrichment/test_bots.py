import re

import crawleruseragents
import pytest

from code24.enrichment import bot_reason, enrich
from code24.enrichment.bots import LIBRARY
from code24.settings import load
from tests.code24.enrichment.agents import PEOPLE

CHROME = next(iter(PEOPLE))
LOG = load().reference_data / "logs" / "apache_access_semicomplete_2015.log"


@pytest.mark.parametrize(
    ("user_agent", "reason"),
    [
        (
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            r"crawler-user-agents: Googlebot\/",
        ),
        ("Mozilla/5.0 (compatible; GPTBot/1.3)", "crawler-user-agents: GPTBot"),
        (
            CHROME.replace("Chrome/", "HeadlessChrome/"),
            "crawler-user-agents: HeadlessChrome",
        ),
        ("Mozilla/5.0 (Windows) Firefox/6.0 Google favicon", "ua-parser: favicon"),
        ("Mozilla/5.0 (compatible; Feeds; +https://reader.example)", "user-agent: +ht"),
    ],
)
def test_the_reason_names_detector_and_pattern(user_agent: str, reason: str) -> None:
    found = bot_reason(user_agent)
    assert found is not None
    assert found.startswith(reason)


def test_every_crawler_of_the_list_is_flagged() -> None:
    missed = [
        instance
        for entry in crawleruseragents.CRAWLER_USER_AGENTS_DATA
        if LIBRARY not in entry["tags"]
        for instance in entry["instances"]
        if bot_reason(instance) is None
    ]
    assert missed == []


@pytest.mark.skipif(not LOG.is_file(), reason=f"{LOG} is not on this machine")
def test_bots_of_a_real_access_log_are_flagged() -> None:
    agents = re.findall(r'"([^"]*)"\s*$', LOG.read_text(errors="replace"), re.MULTILINE)
    declared = [a for a in agents if re.search("(?i)bot|crawl|spider|slurp", a)]

    assert len(declared) == 1_397
    assert [agent for agent in declared if bot_reason(agent) is None] == []


def test_a_script_that_says_it_is_one_is_flagged() -> None:
    found = enrich({"isAutomated": True, "userAgent": CHROME}, "live")
    assert found.bot_reason == "declared: isAutomated"
    assert found.metadata["device"] == "bot"
    assert enrich({"isAutomated": "no"}, "live").bot_reason is None


def test_the_user_agent_is_kept_of_bots_alone() -> None:
    assert "userAgent" not in enrich({"userAgent": CHROME}, "import").metadata
    bot = enrich({"userAgent": "Examplebot/1.0" + "x" * 9_000}, "live")
    assert bot.metadata["userAgent"] == "Examplebot/1.0" + "x" * 498
    assert enrich({"device": "tv"}, "live").metadata == {"device": "tv"}
