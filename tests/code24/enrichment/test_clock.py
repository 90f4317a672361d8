from datetime import UTC, datetime, timedelta

import pytest

from code24.enrichment.clock import happened_at

RECEIVED = datetime(2026, 11, 5, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    "skew",
    [3 * HOUR, -3 * HOUR, timedelta(days=-800), timedelta(days=9_000), 5 * SECOND],
)
def test_a_wrong_clock_is_set_right(skew: timedelta) -> None:
    moment = RECEIVED - HOUR
    assert happened_at(moment + skew, RECEIVED + skew, RECEIVED) == moment


@pytest.mark.parametrize(
    ("timestamp", "sent_at"),
    [
        (RECEIVED - HOUR, None),
        (RECEIVED - HOUR, RECEIVED - 4.9 * SECOND),
        (RECEIVED - HOUR, RECEIVED + 4.9 * SECOND),
        (RECEIVED + HOUR, RECEIVED - HOUR),
    ],
    ids=["no sentAt", "slow way", "fast clock", "sent before it happened"],
)
def test_what_no_wrong_clock_explains_is_left(
    timestamp: datetime, sent_at: datetime | None
) -> None:
    assert happened_at(timestamp, sent_at, RECEIVED) == timestamp
