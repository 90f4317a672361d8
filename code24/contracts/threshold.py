"""The thresholds of a site's live counters: what each is, its default, its limits.

A crossing asks for work (a ``WorkerMessage``); it decides nothing.
"""

from typing import Literal, NamedTuple

from code24.contracts.wire import Contract, Slug

ThresholdName = Literal[
    "conversions_since_analysis", "guardrail_drop", "error_burst", "poor_web_vital"
]
NO_WINDOW = 0
"""Counted from a beginning of its own, not over the last seconds."""
LONGEST_WINDOW = 3600
"""Seconds that the live counters look back; memory grows with it."""


class Threshold(Contract, frozen=True, kw_only=True):
    """A threshold as it holds for one site."""

    site_id: Slug
    name: ThresholdName
    value: float
    window_seconds: int
    """Over how long is counted; 0 (``NO_WINDOW``) from the threshold's own start."""
    is_default: bool


class Definition(NamedTuple):
    """What a threshold means, where it starts and how far it may be moved."""

    meaning: str
    value: float
    low: float
    high: float
    window_seconds: int
    windows: tuple[int, int]
    """The shortest and the longest window in seconds; (0, 0): it has none."""
    may_be_unlimited: bool
    """Whether a window of 0 is allowed beside ``windows``."""
    reason: str
    consequence: str


DEFINITIONS: dict[ThresholdName, Definition] = {
    "conversions_since_analysis": Definition(
        meaning="conversions of a running test's units since it was last analysed",
        value=20,
        low=1,
        high=10_000,
        window_seconds=NO_WINDOW,
        windows=(NO_WINDOW, NO_WINDOW),
        may_be_unlimited=True,
        reason="an analysis takes about a second; 20 more conversions can change one",
        consequence="lower: decisions sooner, more runs; higher: later, fewer",
    ),
    "guardrail_drop": Definition(
        meaning=(
            "share of the control's conversion rate that a variant has surely lost"
        ),
        value=0.1,
        low=0.0,
        high=0.9,
        window_seconds=NO_WINDOW,
        windows=(60, LONGEST_WINDOW),
        may_be_unlimited=True,
        reason=(
            "a tenth of the conversions is worth stopping for; counted since the "
            "test's first unit, where its error holds however often one looks"
        ),
        consequence=(
            "lower: smaller losses ask for an analysis; a window sees a page that "
            "broke late sooner, and raises more false alarms"
        ),
    ),
    "error_burst": Definition(
        meaning="interactions named error on the site",
        value=50,
        low=1,
        high=1_000_000,
        window_seconds=300,
        windows=(60, LONGEST_WINDOW),
        may_be_unlimited=False,
        reason="ten a minute, five minutes long, is no single visitor's browser",
        consequence="lower: small sites are heard, one broken browser is too",
    ),
    "poor_web_vital": Definition(
        meaning="share of a web vital's measurements that Google calls poor",
        value=0.25,
        low=0.01,
        high=1.0,
        window_seconds=LONGEST_WINDOW,
        windows=(60, LONGEST_WINDOW),
        may_be_unlimited=False,
        reason="more than a quarter poor is what a poor 75th percentile means",
        consequence="lower: warned before Google calls the page poor",
    ),
}
"""Every threshold; the values are the defaults of a site that sets none."""


def default(site_id: str, name: ThresholdName) -> Threshold:
    """Return a threshold as it holds where a site has not set it."""
    found = DEFINITIONS[name]
    return Threshold(
        site_id=site_id,
        name=name,
        value=found.value,
        window_seconds=found.window_seconds,
        is_default=True,
    )


def fault(name: ThresholdName, value: float, window_seconds: int) -> str | None:
    """Return why a value or a window is not allowed; none where both are."""
    found = DEFINITIONS[name]
    if not found.low <= value <= found.high:
        return f"{name}={value:g}: must be from {found.low:g} to {found.high:g}"
    shortest, longest = found.windows
    is_unlimited = found.may_be_unlimited and window_seconds == NO_WINDOW
    if not is_unlimited and not shortest <= window_seconds <= longest:
        also = ", or 0 for no window" if found.may_be_unlimited else ""
        return (
            f"{name}: a window of {window_seconds} s must be from {shortest} to "
            f"{longest} s{also}"
        )
    return None
