"""How much a site may send: a bucket of tokens a site, filled at the site's rate.

A request may empty a bucket beyond its bottom; the site then waits until it is above
again. So the largest batch passes whatever the rate, and the rate holds over time.
"""

import time
from collections.abc import Callable
from math import ceil

BURST_SECONDS = 10.0
"""A full bucket holds the events of this long: sites send in bursts."""


class Limits:
    """The buckets of all sites; a site's is made when it first sends.

    It costs one dictionary entry a site and no time with the number of sites.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: dict[str, tuple[float, float]] = {}

    def charge(self, site_id: str, rate: int, events: int) -> int:
        """Take tokens for events; return 0, or in how many seconds to come again.

        Args:
            site_id: Whose bucket.
            rate: The site's events a second.
            events: How many tokens to take; 0 asks only.
        """
        now = self._clock()
        size = rate * BURST_SECONDS
        tokens, filled_at = self._buckets.get(site_id, (size, now))
        tokens = min(tokens + (now - filled_at) * rate, size)
        is_refused = tokens <= 0
        self._buckets[site_id] = (tokens - (0 if is_refused else events), now)
        return max(ceil(-tokens / rate), 1) if is_refused else 0
