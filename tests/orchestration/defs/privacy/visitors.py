"""A home with visitors whose data lies in every store, and one to be erased."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from code24.contracts.event import DeadLetter, LogRecord
from code24.intake import IntakeLog, admit, dead_letter, encode_outcomes
from code24.settings import Settings
from tests.orchestration.homes import START

ALICE = "alice+1@example.com"
UNIT = "unit-of-alice"
"""Alice's browser: before she signed in it was the visitor."""
FAMILY = "unit-of-a-family"
"""A browser that Alice and Bob share."""
TRACES = (ALICE, UNIT, "alice%2B1%40example.com")


def add_visitors(settings: Settings) -> None:
    """Append what Alice, Bob and others did to two partitions, some of it refused."""
    for partition, origin in (("live", "live"), ("replay", "replay")):
        with IntakeLog.open(settings.log, partition) as log:
            log.append(encode_outcomes(_outcomes(origin)))


def sent(visitor: str, number: int, origin: str, **given: Any) -> dict[str, Any]:
    """Return a page view as a client sends it."""
    at = START + timedelta(hours=number)
    basic = {
        "id": f"{origin}-{visitor[:3]}-{number}",
        "siteId": "shop",
        "eventType": "page_view",
        "visitorId": visitor,
        "timestamp": at.isoformat(),
        "url": f"https://shop.example/{number}",
        "metadata": {"pageViewId": f"{origin}-{visitor[:3]}-page-{number}"},
    }
    return {**basic, **given}


def _outcomes(origin: Any) -> Iterator[LogRecord | DeadLetter]:
    at = START + timedelta(hours=30)
    for body in _bodies(origin):
        yield admit(
            body,
            origin=origin,
            received_at=at,
            source="/v1/events",
            sites={"shop"},
        )
    yield dead_letter(
        "bad_json: no end",
        f'{{"visitorId": "{ALICE}", "siteId": "shop"'.encode(),
        origin=origin,
        received_at=datetime(2026, 3, 2, tzinfo=UTC),
        source="/v1/events",
    )


def _bodies(origin: str) -> Iterator[dict[str, Any]]:
    for number in range(6):
        yield sent(UNIT, number, origin)
        yield sent("bob", number, origin, metadata={"unitId": FAMILY})
        unit = UNIT if number % 2 else FAMILY
        yield sent(ALICE, number, origin, metadata={"unitId": unit}, sessionId="s1")
        yield sent("carol", number, origin, sessionId="s1", metadata={"order": "alice"})
    yield sent(
        "dave", 7, origin, url="https://shop.example/?uid=alice%2B1%40example.com"
    )
    yield sent("frank", 8, origin, metadata={"coupon": ALICE})
    yield sent("erin", 8, origin, metadata={"traits": [{"userId": ALICE}]})
    yield sent(
        ALICE, 9, origin, eventType="conversion", goalType="sales", conversionValue=20.0
    )
    yield sent(ALICE, 9, origin, eventType="conversion")
