"""Counting what would be redacted, with or without doing it."""

from code24.event_log.redaction import Decide


class counting:  # noqa: N801 - reads as what it does
    """Wraps what decides over records; counts, and when dry changes none."""

    def __init__(self, decide: Decide, *, is_dry: bool) -> None:
        self.count = 0
        self._decide = decide
        self._is_dry = is_dry

    def decide(self, payload: bytes) -> bytes | None:
        """Decide as the wrapped one, or say that nothing changes."""
        instead = self._decide(payload)
        if instead is None:
            return None
        self.count += 1
        return None if self._is_dry else instead
