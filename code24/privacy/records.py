"""Records of the event log as erasing and retention look at them: quickly."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from code24.contracts.event import DeadLetter, removed_on, tombstone
from code24.privacy.identity import candidates


class LoggedEvent(msgspec.Struct, rename="camel", frozen=True):
    """What of an event decides whose it is and how long it is kept."""

    site_id: str
    visitor_id: str
    timestamp: datetime
    metadata: dict[str, Any] = msgspec.field(default_factory=dict)
    url: str | None = None
    referrer: str | None = None

    def persons(self) -> frozenset[str]:
        """Return all in it that may be the id of a person."""
        urls = (self.url or "", self.referrer or "")
        return candidates(self.visitor_id, self.metadata, urls)


class LoggedRecord(msgspec.Struct, rename="camel", frozen=True):
    """A record of the log: the event, and when it was received."""

    event: LoggedEvent
    received_at: datetime


_logged_decoder = msgspec.json.Decoder(LoggedRecord)
_letter_decoder = msgspec.json.Decoder(DeadLetter)


def removing_events(
    is_removed: Callable[[LoggedEvent], bool],
) -> Callable[[bytes], bytes | None]:
    """Return what ``event_log.redact`` asks: a tombstone for each of these events."""

    def decide(payload: bytes) -> bytes | None:
        if removed_on(payload) is not None:
            return None
        logged = _logged_decoder.decode(payload)
        return tombstone(logged.received_at) if is_removed(logged.event) else None

    return decide


def removing_letters(
    is_removed: Callable[[DeadLetter], bool],
) -> Callable[[bytes], bytes | None]:
    """Return what ``event_log.redact`` asks: a tombstone for each of these letters."""

    def decide(payload: bytes) -> bytes | None:
        if removed_on(payload) is not None:
            return None
        letter = _letter_decoder.decode(payload)
        return tombstone(letter.received_at) if is_removed(letter) else None

    return decide
