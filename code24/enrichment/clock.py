"""When an event happened, by the clock of the door instead of the visitor's."""

from datetime import UTC, datetime, timedelta

MIN_SKEW = timedelta(seconds=5)
"""Less is the way of the request and no wrong clock: correcting it would only blur the
order of what one page sends. Above a slow mobile connection's delay, below a heartbeat
(10 s); so it is the most by which an event may be placed wrong."""
FIRST_CLOCK = datetime(1970, 1, 1, tzinfo=UTC)
LAST_CLOCK = datetime(2100, 1, 1, tzinfo=UTC)
"""What a clock can show that was never set, or was set wrongly."""


def is_clock_time(moment: datetime) -> bool:
    """Say whether a visitor's clock can have shown this."""
    return FIRST_CLOCK <= moment < LAST_CLOCK


def happened_at(
    timestamp: datetime, sent_at: datetime | None, received_at: datetime
) -> datetime:
    """Return when a live event happened: ``timestamp + (received_at - sent_at)``.

    Segment's and Snowplow's rule. Both times come from one clock, whatever it shows,
    so that only how long the event waited to be sent counts. An event that was sent
    before it happened has times of two clocks, and is left as it is. What it cannot
    tell: a request that is kept and sent again later with its old ``sentAt`` looks
    like a clock that is slow by as much.

    The warehouse applies the same rule (``dbt_project/macros/clocks.sql``).

    Args:
        timestamp: When it happened, by the sender's clock.
        sent_at: When it was sent, by the same clock.
        received_at: When it came.
    """
    if sent_at is None or timestamp >= sent_at + MIN_SKEW:
        return timestamp
    skew = received_at - sent_at
    return timestamp if abs(skew) < MIN_SKEW else timestamp + skew
