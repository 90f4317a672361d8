"""Records of the log as the live state reads them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from app.collector.live.sighting import Sighting, sighting
from code24.contracts.event import Event, LogRecord

START = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def record(number: int, second: float = 0, **changes: Any) -> LogRecord:
    """Return a page view of ``shop``, so many seconds after ``START``."""
    at = START + timedelta(seconds=second)
    bot_reason = changes.pop("bot_reason", None)
    origin = changes.pop("origin", "live")
    fields: dict[str, Any] = {
        "id": f"e{number}",
        "site_id": "shop",
        "event_type": "page_view",
        "visitor_id": "v",
        "timestamp": at,
    }
    return LogRecord(
        event=Event(**(fields | changes)),
        received_at=at,
        origin=origin,
        bot_reason=bot_reason,
    )


def seen(number: int, second: float = 0, **changes: Any) -> Sighting:
    """Return the same as the live state sees it."""
    return sighting(record(number, second, **changes))


def exposed(
    number: int, unit: str, variant: str, second: float = 0, **changes: Any
) -> Sighting:
    """Return an exposure to a variant of the test ``hero``."""
    metadata = {
        "name": "experiment_viewed",
        "experimentId": "hero",
        "variationId": variant,
        "unitId": unit,
    }
    fields = {"event_type": "interaction", "metadata": metadata}
    return seen(number, second, **(fields | changes))


def converted(
    number: int,
    unit: str,
    second: float = 0,
    value: float | None = None,
    **changes: Any,
) -> Sighting:
    """Return a sale to a unit."""
    fields: dict[str, Any] = {
        "event_type": "conversion",
        "goal_type": "sales",
        "conversion_value": value,
        "visitor_id": unit,
    }
    return seen(number, second, **(fields | changes))


def failed(number: int, second: float = 0) -> Sighting:
    """Return an error that a page reports."""
    return seen(number, second, event_type="interaction", metadata={"name": "error"})


def measured(number: int, second: float = 0, **vitals: Any) -> Sighting:
    """Return web vitals that a page reports."""
    metadata = {"name": "web_vital", **vitals}
    return seen(number, second, event_type="interaction", metadata=metadata)
