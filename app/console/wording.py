"""Numbers, times and results in words."""

import json
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

MINUS = "\u2212"
DASH = "\u2013"
UNKNOWN = "not known"
Number = float | Decimal
VISITOR_DAYS = (
    "The visitors of each day, added up: who comes on three days counts three times."
)

STATUS = {
    "draft": "Draft",
    "running": "Running",
    "paused": "Paused",
    "complete": "Complete",
}
DECISION = {
    "keep": "Keep running",
    "shift": "Traffic shifted",
    "stop": "Stopped",
    "ship": "Shipped",
    "hold": "On hold",
    "undo": "Undone",
}
PROPOSAL = {"ship": "Ship", "stop": "Stop", "shift": "Shift traffic"}
UNPROVEN = "It is the best bet; the win is not proven."
GOAL = {
    "sales": "Sales",
    "leads": "Leads",
    "signups": "Sign-ups",
    "bookings": "Bookings",
    "traffic": "Traffic",
}


def plain(text: str) -> str:
    """Escape what Markdown would take for markup, so that text is shown as it is."""
    return re.sub(r"([\\`*_{}\[\]()#+\-.!|<>~$:&])", r"\\\1", text)


def count(value: Number | None) -> str:
    """Return a whole number with thousands separated, as ``12,345``."""
    return UNKNOWN if value is None else f"{value:,.0f}"


def money(cents: float | None) -> str:
    """Return an amount given in cents, in units of the site's own currency."""
    return UNKNOWN if cents is None else f"{cents / 100:,.2f}"


def share(value: float | None, digits: int = 1) -> str:
    """Return a share as a percentage without a sign, as ``4.2%``."""
    return UNKNOWN if value is None else f"{value:.{digits}%}"


def exact_share(value: float) -> str:
    """Return a share that somebody has settled, as ``5%`` or ``0.25%``."""
    return f"{round(100 * value, 2):g}%"


def lift(value: float | None, digits: int = 1) -> str:
    """Return a relative change with its sign, as ``+4.2%``."""
    if value is None:
        return UNKNOWN
    return f"{value:+.{digits}%}".replace("-", MINUS)


def vital(metric: str, value: float) -> str:
    """Return a web vital with its unit, as ``2,989 ms``; layout shift has none."""
    return f"{value:.2f}" if metric.lower() == "cls" else f"{value:,.0f} ms"


def chance(value: float | None) -> str:
    """Return a probability as a percentage; never a certainty that it is not."""
    if value is None:
        return UNKNOWN
    if value > 0.999:
        return "over 99.9%"
    return "under 0.1%" if value < 0.001 else f"{value:.1%}"


def p_value(value: float | None) -> str:
    """Return a p-value, as ``0.012`` or ``below 0.0001``."""
    if value is None:
        return UNKNOWN
    return "below 0.0001" if value < 0.0001 else f"{value:.2g}"


def moment(value: datetime | None) -> str:
    """Return a UTC time, as ``3 Apr 2015, 14:02 UTC``; naive times are UTC."""
    return UNKNOWN if value is None else f"{day(value)}, {value:%H:%M} UTC"


def day(value: date | None) -> str:
    """Return a date, as ``3 Apr 2015``."""
    return UNKNOWN if value is None else f"{value.day} {value:%b %Y}"


def age(since: datetime, now: datetime) -> str:
    """Return how long ago ``since`` was, in its largest unit, as ``3 hours ago``."""
    seconds = max((now - since).total_seconds(), 0.0)
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size:
            number = int(seconds // size)
            return f"{number} {unit}{'s' if number > 1 else ''} ago"
    return "just now"


def utc(value: datetime) -> datetime:
    """Mark a naive time of a report as UTC, which it is."""
    return value if value.tzinfo else value.replace(tzinfo=UTC)


class Headline(NamedTuple):
    """What became of a test: one sentence, and how it is to be felt."""

    text: str
    tone: str
    """``good``, ``bad``, ``caution`` or ``neutral``."""


def headline(
    test: dict[str, Any], leader: dict[str, Any] | None, decision: dict[str, Any] | None
) -> Headline:
    """Say in one sentence what became of a test.

    Args:
        test: one row of ``frames.tests_list``.
        leader: the analysis of the variant that leads, none where nobody came.
        decision: the newest decision, none where none was made.
    """
    kind = decision["kind"] if decision else None
    if decision and is_rolled_back(decision):
        return Headline(plain(decision["reason"]), "bad")
    if kind == "hold" or test["is_srm"]:
        return Headline(_held(test), "caution")
    if leader is None or leader["lift"] is None:
        return Headline("Nothing can be said yet: too few visitors came.", "neutral")
    if kind == "ship" and decision:
        return Headline(_shipped(test, leader, decision), "good")
    if kind == "stop":
        return Headline(_stopped(test, leader), "neutral")
    return _open(test, leader)


def is_rolled_back(decision: dict[str, Any]) -> bool:
    """Say whether a decision stopped its test because a guardrail was crossed."""
    evidence = decision.get("evidence")
    return decision["kind"] == "stop" and "guardrail" in json.loads(evidence or "{}")


def _held(test: dict[str, Any]) -> str:
    if not test["is_srm"]:
        return "No winner is named: a check of the data failed."
    doubt = "may not have been" if test["srm_level"] == "warning" else "were not"
    return (
        f"No winner is named: visitors {doubt} split as planned "
        f"(p = {p_value(test['srm_p'])}), so the counts cannot be trusted."
    )


def _stopped(test: dict[str, Any], leader: dict[str, Any]) -> str:
    variant = plain(leader["variant_id"])
    return f"Stopped, the control stays: {variant} {_effect(test, leader)}."


def _shipped(
    test: dict[str, Any], leader: dict[str, Any], decision: dict[str, Any]
) -> str:
    proof = "The win is proven." if decision["is_claimed"] else UNPROVEN
    variant = plain(str(decision["variant_id"]))
    if decision["variant_id"] != leader["variant_id"]:
        return f"Variant {variant} is shown to everyone. {proof}"
    return (
        f"Variant {variant} is shown to everyone: it {_effect(test, leader)}. {proof}"
    )


def _open(test: dict[str, Any], leader: dict[str, Any]) -> Headline:
    low, high = leader["lift_low"], leader["lift_high"]
    variant, effect = plain(leader["variant_id"]), _effect(test, leader)
    if test["is_enough_data"] is False:
        return Headline(f"Too early to say: so far {variant} {effect}.", "neutral")
    if low is not None and low > 0:
        return Headline(f"Variant {variant} is ahead: it {effect}.", "good")
    if high is not None and high < 0:
        return Headline(f"The control is ahead: {variant} {effect}.", "bad")
    return Headline(f"No difference shown yet: {variant} {effect}.", "neutral")


def since_shipped(test: dict[str, Any]) -> Headline:
    """Say in one sentence whether a lift held, by those who are held out of it.

    Args:
        test: the row of ``frames.tests_list`` of the test that verifies.
    """
    if test["is_srm"]:
        return Headline(_held(test), "caution")
    if test["leader"] is None or test["lift"] is None:
        return Headline("Too early to say: too few visitors were held out.", "neutral")
    effect = _effect(test, test)
    if test["is_enough_data"] is False:
        return Headline(f"Too early to say: so far it {effect}.", "neutral")
    if test["lift_low"] is not None and test["lift_low"] > 0:
        return Headline(f"The lift holds: it {effect}.", "good")
    if test["lift_high"] is not None and test["lift_high"] < 0:
        return Headline(f"The lift did not hold: it {effect}.", "bad")
    return Headline(f"Not clear yet whether the lift holds: it {effect}.", "neutral")


def _effect(test: dict[str, Any], leader: dict[str, Any]) -> str:
    goal = GOAL.get(test["goal_type"], test["goal_type"]).lower()
    change = leader["lift"]
    return (
        f"{'raises' if change >= 0 else 'lowers'} {goal} by an estimated "
        f"{share(abs(change))} (90% interval {interval(leader)}); its chance to beat "
        f"the control is {chance(leader['chance_to_win'])}"
    )


def interval(row: dict[str, Any]) -> str:
    """Return the 90% interval of a lift, as ``+1.0% to +8.4%``."""
    return f"{lift(row['lift_low'])} to {lift(row['lift_high'])}"
