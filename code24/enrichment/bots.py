"""Several detectors of bots; any positive counts, and each names what it found.

A reason is ``detector: pattern``. No detector says "person": what drives a real
browser and hides it is not found here.
"""

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

import crawleruseragents
import ua_parser
import ua_parser_rs

AGENTS_REMEMBERED = 20_000
"""User agents kept in memory with their answer: some ten megabytes at most."""
DECLARED = ("isAutomated", "isHeadless", "isWebDriver", "webdriver", "headless")
"""Metadata by which a script says that no person holds the browser
(``navigator.webdriver`` and what clients call it)."""
LIBRARY = "http-library"
"""The list's mark of libraries that any program calls with, a shop's server and an
Android app too, which send conversions so: no reason to suspect a bot."""

_WORDS = re.compile(
    r"(?<!\bcu)bot|crawl|spider|slurp|scrape|headless|phantomjs|puppeteer|playwright"
    r"|selenium|webdriver|lighthouse|pagespeed|pingdom|archiver|facebookexternalhit"
    r"|mediapartners-google|\+https?://",
    re.IGNORECASE,
)
"""What programs that declare themselves write into their user agent.

The words that isbot and Snowplow's lists share, the usual ``+http://…`` address of
the operator, and browsers driven without a screen. They find what no list has yet.
Cubot makes telephones.
"""


def declared_reason(metadata: Mapping[str, Any]) -> str | None:
    """Return which mark of the metadata says that a program drives the browser."""
    for name in DECLARED:
        if metadata.get(name) is True:
            return f"declared: {name}"
    return None


@lru_cache(AGENTS_REMEMBERED)
def bot_reason(user_agent: str) -> str | None:
    """Return which detector takes the user agent for a bot's; none where none does."""
    return _listed(user_agent) or _parsed(user_agent) or _worded(user_agent)


def _listed(user_agent: str) -> str | None:
    """Look in the list crawler-user-agents (MIT, released monthly)."""
    found = _crawlers().extract(user_agent)
    return f"crawler-user-agents: {_patterns()[int(found.family)]}" if found else None


def _parsed(user_agent: str) -> str | None:
    """Ask ua-parser, whose family ``Spider`` is not only of robots but of libraries."""
    found = ua_parser.parse(user_agent)
    if found.device is None or found.device.family != "Spider":
        return None
    if _libraries().search(user_agent):
        return None
    agent = found.user_agent or found.device
    return f"ua-parser: {agent.family}"


def _worded(user_agent: str) -> str | None:
    found = _WORDS.search(user_agent)
    return f"user-agent: {found.group().lower()}" if found else None


@cache
def _crawlers() -> ua_parser_rs.UserAgentExtractor:
    """Return all patterns of the list in ua-parser's engine, each named by its index.

    The engine looks for literals first: 2 µs for 1,462 patterns, where Python's takes
    300.
    """
    return ua_parser_rs.UserAgentExtractor(
        (pattern, str(index), None, None, None, None)
        for index, pattern in enumerate(_patterns())
    )


@cache
def _patterns() -> list[str]:
    return [
        entry["pattern"]
        for entry in crawleruseragents.CRAWLER_USER_AGENTS_DATA
        if LIBRARY not in entry["tags"]
    ]


@cache
def _libraries() -> re.Pattern[str]:
    listed = [
        entry["pattern"]
        for entry in crawleruseragents.CRAWLER_USER_AGENTS_DATA
        if LIBRARY in entry["tags"]
    ]
    return re.compile("|".join(f"(?:{pattern})" for pattern in [*listed, "^Java/"]))
