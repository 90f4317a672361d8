"""Whom a test asks, from the options of ``code24 test create``."""

from typing import Any

import msgspec

from code24.errors import Code24Error


def targeting(condition: str | None) -> dict[str, Any] | None:
    """Return the targeting that ``--condition`` says; none without.

    Raises:
        Code24Error: the condition is no JSON object.
    """
    if condition is None:
        return None
    try:
        return {"condition": msgspec.json.decode(condition, type=dict[str, Any])}
    except msgspec.DecodeError as error:
        raise Code24Error(f"--condition {condition[:60]!r}: {error}") from None
