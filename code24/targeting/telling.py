"""Targeting in words, for people who look at a test."""

from code24.contracts.targeting import Targeting
from code24.contracts.wire import encode

EVERYBODY = "everybody"


def asked(targeting: Targeting | None) -> str:
    """Return in one line whom a test asks, and where."""
    if targeting is None:
        return EVERYBODY
    condition = encode(targeting.condition).decode()
    parts = [condition] if targeting.condition else []
    parts += [
        f"{'on' if one.include else 'but not on'} {one.pattern}"
        for one in targeting.url_patterns
    ]
    return ", ".join(parts) or EVERYBODY
