"""From a user agent to device, browser and operating system, by ua-parser."""

import re
from functools import lru_cache
from typing import NamedTuple

import ua_parser

from code24.enrichment.bots import AGENTS_REMEMBERED

_TELEVISIONS = frozenset(
    {"Chromecast", "Chromecast Android", "Chromecast SmartSpeaker", "Android TV"}
    | {"ATV OS X", "tvOS", "Roku", "GoogleTV", "WebTV", "webOS", "Tizen TV", "HbbTV"}
)
_COMPUTERS = frozenset(
    {"Windows", "Mac OS X", "Mac OS", "Linux", "Ubuntu", "Debian", "Fedora", "Red Hat"}
    | {"CentOS", "SUSE", "Gentoo", "Arch Linux", "Linux Mint", "Kubuntu", "Slackware"}
    | {"Chrome OS", "FreeBSD", "OpenBSD", "NetBSD", "DragonFly BSD", "Solaris"}
)
_PHONES = frozenset(
    {"iOS", "Android", "Windows Phone", "Windows Mobile", "BlackBerry OS", "KaiOS"}
    | {"Symbian OS", "Symbian^3", "Firefox OS", "Bada", "HarmonyOS", "Nokia Series 40"}
    | {"Tizen", "MeeGo", "Sailfish", "Nokia Series 30 Plus"}
)
"""Systems of telephones, and of tablets where the agent says no ``Mobile``."""
_TELEVISION = re.compile(
    r"smart-?tv|hbbtv|appletv|googletv|netcast|bravia|\baft[a-z]|\btv\b|crkey|roku|viera"
    r"|web0s",
    re.IGNORECASE,
)
_TABLET = re.compile(r"ipad|tablet|kindle|silk/|playbook|\bsm-[tx]\d", re.IGNORECASE)
_MOBILE = re.compile(r"mobi|iphone|ipod|opera mini", re.IGNORECASE)


class UserAgent(NamedTuple):
    """What a user agent says, in the names of ua-parser; ``None`` where it does not."""

    device: str
    """``desktop``, ``mobile``, ``tablet``, ``tv`` or ``other``, as yauaa's classes."""
    browser: str | None
    os: str | None


@lru_cache(AGENTS_REMEMBERED)
def describe(user_agent: str) -> UserAgent:
    """Parse one user agent.

    An iPad that asks for the desktop page says that it is a Mac, and is taken for one.
    """
    found = ua_parser.parse(user_agent)
    os = found.os.family if found.os else None
    browser = found.user_agent.family if found.user_agent else None
    return UserAgent(_device(user_agent, os), browser, os)


def _device(user_agent: str, os: str | None) -> str:
    if os in _TELEVISIONS or _TELEVISION.search(user_agent):
        return "tv"
    if _TABLET.search(user_agent):
        return "tablet"
    if _MOBILE.search(user_agent):
        return "mobile"
    if os == "Android":  # Google's rule: a phone says "Mobile", a tablet does not
        return "tablet"
    if os in _PHONES:
        return "mobile"
    return "desktop" if os in _COMPUTERS else "other"
