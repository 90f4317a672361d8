"""Counters of the last hour, by minute: a pure function of the log's records.

One number for each minute, site, test, variant, goal and measure; what does not apply
is empty. A minute is that of receipt, so that a record's place never depends on what
came before it. ``marts.mart_counter_reference`` counts the same in the warehouse.

Memory: about 130 bytes a number, of which there are ``MAX_NUMBERS`` at most (65 MB);
beyond, the oldest minute goes early, which is counted.
"""

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

WINDOW_MINUTES = 60
MAX_NUMBERS = 500_000


class Key(NamedTuple):
    """What is counted."""

    site_id: str
    test_id: str
    variant_id: str
    goal_type: str
    measure: str


class Counters:
    """The numbers of the last hour, and sums over windows within it."""

    def __init__(self) -> None:
        self.minute = 0
        """The newest minute seen, since 1970."""
        self.evicted = 0
        """Numbers that went early, since there were more than ``MAX_NUMBERS``."""
        self.changed: set[tuple[int, Key]] = set()
        """What is not in the checkpoint yet."""
        self._minutes: dict[int, dict[Key, int]] = {}
        self._size = 0
        self._keys: dict[Key, Key] = {}
        self._sums: dict[Key, _Sum] = {}

    def __len__(self) -> int:
        return self._size

    @property
    def floor(self) -> int:
        """Return the oldest minute that is kept."""
        return min(self._minutes, default=self.minute)

    def add(self, key: Key, minute: int, amount: int = 1) -> None:
        """Count."""
        if minute > self.minute:
            self._advance(minute)
        if minute <= self.minute - WINDOW_MINUTES:
            return
        key = self._keys.setdefault(key, key)
        numbers = self._minutes.setdefault(minute, {})
        self._size += key not in numbers
        numbers[key] = numbers.get(key, 0) + amount
        self.changed.add((minute, key))
        known = self._sums.get(key)
        if known is not None:
            known.add(minute, amount)
        if self._size > MAX_NUMBERS:
            self.evicted += self._drop(self.floor)

    def total(self, key: Key, window_seconds: int) -> int:
        """Return the sum over the last minutes; the first time it costs the window."""
        minutes = min(-(-window_seconds // 60), WINDOW_MINUTES)
        known = self._sums.get(key)
        if known is None or known.minutes != minutes:
            known = self._sums[key] = self._summed(key, minutes)
        return known.at(self.minute)

    def numbers(self) -> Iterator[tuple[int, Key, int]]:
        """Yield every number with its minute, the oldest first."""
        for minute in sorted(self._minutes):
            for key, amount in self._minutes[minute].items():
                yield minute, key, amount

    def get(self, minute: int, key: Key) -> int | None:
        """Return one number; none where it has gone."""
        return self._minutes.get(minute, {}).get(key)

    def forget_site(self, site_id: str) -> None:
        """Drop all that is counted of a site."""
        for minute, numbers in self._minutes.items():
            gone = [key for key in numbers if key.site_id == site_id]
            for key in gone:
                del numbers[key]
                self.changed.add((minute, key))
            self._size -= len(gone)
        for key in [key for key in self._sums if key.site_id == site_id]:
            del self._sums[key]

    def _advance(self, minute: int) -> None:
        self.minute = minute
        for old in [m for m in self._minutes if m <= minute - WINDOW_MINUTES]:
            self._drop(old)
        if len(self._keys) > 2 * self._size + 1000:
            used = {key for numbers in self._minutes.values() for key in numbers}
            self._keys = {key: key for key in used}
            self._sums = {key: s for key, s in self._sums.items() if key in used}

    def _drop(self, minute: int) -> int:
        gone = self._minutes.pop(minute)
        self._size -= len(gone)
        return len(gone)

    def _summed(self, key: Key, minutes: int) -> "_Sum":
        made = _Sum(minutes)
        for minute in sorted(self._minutes):
            amount = self._minutes[minute].get(key)
            if amount is not None:
                made.add(minute, amount)
        return made


class _Sum:
    """The sum over the last minutes of one key, kept up as they pass."""

    def __init__(self, minutes: int) -> None:
        self.minutes = minutes
        self._parts: deque[tuple[int, int]] = deque()
        self._total = 0

    def add(self, minute: int, amount: int) -> None:
        """Count; requests that took long may come in the order of another minute."""
        later: list[tuple[int, int]] = []
        while self._parts and self._parts[-1][0] > minute:
            later.append(self._parts.pop())
        if self._parts and self._parts[-1][0] == minute:
            amount_before = self._parts.pop()[1]
            self._parts.append((minute, amount_before + amount))
        else:
            self._parts.append((minute, amount))
        self._parts.extend(reversed(later))
        self._total += amount

    def at(self, minute: int) -> int:
        """Return the sum of the minutes up to this one."""
        while self._parts and self._parts[0][0] <= minute - self.minutes:
            self._total -= self._parts.popleft()[1]
        return self._total
