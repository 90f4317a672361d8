"""Times as other tools write them."""

from datetime import UTC, datetime
from typing import Any


def moment(value: Any) -> datetime:
    """Read a time with its zone; one without is UTC, as exports have it.

    Takes ISO 8601, and BigQuery's ``2026-05-01 10:00:00.5 UTC``.

    Raises:
        ValueError: it is no time.
    """
    if isinstance(value, datetime):
        found = value
    elif isinstance(value, str):
        found = datetime.fromisoformat(value.strip().replace(" UTC", "+00:00"))
    else:
        raise ValueError(f"{value!r} is no time")  # noqa: TRY004 - one error for all
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def text(value: Any) -> str | None:
    """Return the time as text with its zone; none of what is empty.

    Raises:
        ValueError: it is no time.
    """
    return moment(value).isoformat() if value not in (None, "") else None
