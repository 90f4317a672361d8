"""Reading fields that may hold anything: loose values made firm."""

from collections.abc import Mapping
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from code24.contracts.event import MAX_VALUE
from code24.personal import without_personal

MAX_URL = 4_096
MAX_ID = 128
MILLISECONDS_FROM = 1e11
"""A number of a time beyond this counts milliseconds: as seconds it is year 5138."""
RESERVED = frozenset({"name", "isCookieless", "userAgent", "botReason", "pageViewId"})
"""Metadata with a meaning of ours, which a property of this name must not take."""


def mapping(value: Any) -> dict[str, Any]:
    """Return an object; an empty one for whatever else stands there."""
    return value if isinstance(value, dict) else {}


def text(value: Any) -> str | None:
    """Return a text or the text of a whole number; none of whatever else, or empty."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return None


def first_text(*values: Any) -> str | None:
    """Return the first that is a text."""
    return next((found for value in values if (found := text(value))), None)


def url(*values: Any) -> str | None:
    """Return the first text, cut to what an address may have."""
    found = first_text(*values)
    return found[:MAX_URL] if found else None


def number(value: Any) -> float | None:
    """Return a finite number, also of a text (``"49.90"``), within the limits."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if isfinite(found) and abs(found) <= MAX_VALUE else None


def moment(value: Any) -> Any:
    """Return a time as the contract reads it; what is none is left to be refused.

    Clients write ISO 8601, here and there without a zone (taken for UTC), or seconds
    or milliseconds since 1970.
    """
    if isinstance(value, str):
        return f"{value}Z" if _lacks_zone(value) else value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _of_epoch(value)
    return value


def present(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that say something."""
    return {name: value for name, value in fields.items() if value not in (None, {})}


def kept_properties(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event's own properties as metadata: nothing personal, nothing empty."""
    kept: dict[str, Any] = without_personal(dict(properties))
    return {
        name: value
        for name, value in kept.items()
        if name not in RESERVED and value is not None
    }


def _lacks_zone(value: str) -> bool:
    clock = value[10:]
    return ":" in clock and not any(sign in clock for sign in "Zz+-")


def _of_epoch(value: float) -> Any:
    try:
        seconds = value / 1000 if abs(value) > MILLISECONDS_FROM else value
        return datetime.fromtimestamp(seconds, UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return value
