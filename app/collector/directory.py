"""Which write key is which site's, and who was erased; at most a second old."""

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import NamedTuple

from app.collector.protocols.protocol import Key
from code24.contracts.site import Site
from code24.privacy.erased import NOBODY, Erased
from code24.state import State, StateError, erasures
from code24.state.sites import list_sites, site_version

POLL_SECONDS = 1.0
MIN_READ_SECONDS = 0.2
"""Unknown keys make the state be read, but not more often than this."""

_log = logging.getLogger(__name__)


class _Known(NamedTuple):
    version: int
    site_of_key: dict[Key, Site]
    site_ids: frozenset[str]


class SiteDirectory:
    """The sites as last read; a site that was just added is found at once."""

    def __init__(self, state: State) -> None:
        """Read the sites.

        Raises:
            StateError: the state cannot be read.
        """
        self._state = state
        self._known = _Known(-1, {}, frozenset())
        self._erased: tuple[tuple[int, int], Erased] = ((0, 0), NOBODY)
        self._reading = asyncio.Lock()
        self._read_at = float("-inf")
        self.refresh()

    @property
    def site_ids(self) -> frozenset[str]:
        """Return the ids of all sites."""
        return self._known.site_ids

    @property
    def erased(self) -> Erased:
        """Return whose earlier events are not to be taken."""
        return self._erased[1]

    def refresh(self) -> None:
        """Read sites and erasures again if they have changed; blocks.

        Raises:
            StateError: the state cannot be read.
        """
        self._read_at = time.monotonic()
        self._refresh_erased()
        version = site_version(self._state)
        if version == self._known.version:
            return
        sites = list_sites(self._state)
        site_ids = frozenset(site.site_id for site in sites)
        self._known = _Known(version, _by_key(sites), site_ids)

    def _refresh_erased(self) -> None:
        version = erasures.version(self._state)
        if version != self._erased[0]:
            self._erased = (version, erasures.erased(self._state))

    async def find(self, key: Key) -> Site | None:
        """Return the key's site; an unknown key is looked up in the state anew.

        Raises:
            StateError: the key is not known and the state cannot be read.
        """
        if key not in self._known.site_of_key:
            await self._refresh_after(time.monotonic())
        return self._known.site_of_key.get(key)

    async def follow(self) -> None:
        """Read the sites each second until cancelled; keep the last ones meanwhile."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                await asyncio.to_thread(self.refresh)
            except StateError as error:
                _log.warning(
                    "sites cannot be read, the last known ones stay: %s", error
                )

    async def _refresh_after(self, asked_at: float) -> None:
        async with self._reading:
            if self._read_at > asked_at:
                return
            await asyncio.sleep(self._read_at + MIN_READ_SECONDS - time.monotonic())
            await asyncio.to_thread(self.refresh)


def _by_key(sites: Sequence[Site]) -> dict[Key, Site]:
    """Return every name of each site; a host is known with and without ``www.``."""
    found: dict[Key, Site] = {}
    for site in sites:
        found[Key("write_key", site.write_key)] = site
        found[Key("client_key", site.client_key)] = site
        found[Key("host", site.host)] = site
    for site in sites:
        bare = site.host.removeprefix("www.")
        for host in (bare, f"www.{bare}"):
            found.setdefault(Key("host", host), site)
    return found
