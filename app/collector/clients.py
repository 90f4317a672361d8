"""Who sends a request: its address behind proxies, truncated, and its cookieless id."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path
from typing import NamedTuple

from starlette.requests import Request

from code24.cookieless import CookielessIds, SaltError
from code24.enrichment.suspects import NO_SUSPECTS, lists_version, read_suspects
from code24.request_facts import MAX_USER_AGENT, RequestFacts, truncated

FOLLOW_SECONDS = 10.0
"""A salt is gone, and a list read anew, this long after its time at most."""
BROWSER = "Mozilla/"
"""How every browser's user agent starts; a server's client, which sends from a data
centre rightly, has a name of its own."""
MAX_HEADER = 256
"""What is kept of headers that say where a request comes from."""

_log = logging.getLogger(__name__)


class _Known(NamedTuple):
    network: str | None
    data_centre: str | None


class Clients:
    """Tells the facts of requests; no raw address leaves it."""

    def __init__(
        self,
        ids: CookielessIds,
        trusted_proxies: Sequence[IPv4Network | IPv6Network] = (),
        lists: Path | None = None,
    ) -> None:
        """Prepare.

        Args:
            ids: Makes the cookieless ids.
            trusted_proxies: Whose ``X-Forwarded-For`` is believed.
            lists: The folder of an operator's lists; none where there are none.
        """
        self._ids = ids
        self._proxies = tuple(trusted_proxies)
        self._lists = lists
        self._lists_version: tuple[tuple[int, int], ...] = ()
        self.suspects = NO_SUSPECTS
        """What the lists say; at most ``FOLLOW_SECONDS`` old."""
        # Clients come again and again; parsing an address costs more than the rest.
        self._known = lru_cache(maxsize=4_096)(self._known_of)
        self._read_lists()

    def facts(self, request: Request, site_id: str, now: datetime) -> RequestFacts:
        """Return what the request tells beside its body.

        Raises:
            SaltError: no salt can be kept.
        """
        headers = request.headers
        user_agent = headers.get("user-agent", "")[:MAX_USER_AGENT]
        peer = request.client.host if request.client else ""
        forwarded = headers.get("x-forwarded-for") if self._proxies else None
        network, data_centre = self._known(peer, forwarded)
        return RequestFacts(
            user_agent=user_agent or None,
            address=network,
            host=_short(headers.get("host")),
            origin=_short(headers.get("origin")),
            language=_short(headers.get("accept-language")),
            data_centre=data_centre if user_agent.startswith(BROWSER) else None,
            visitor_id=self._ids.visitor_id(site_id, network or "", user_agent, now),
        )

    async def follow(self) -> None:
        """Delete salts when their time has come, read lists anew, until cancelled."""
        while True:
            try:
                self._ids.renew(datetime.now(UTC))
            except SaltError as error:
                _log.warning("%s", error)
            await asyncio.to_thread(self._read_lists)
            await asyncio.sleep(FOLLOW_SECONDS)

    def _read_lists(self) -> None:
        if self._lists is None:
            return
        version = lists_version(self._lists)
        if version != self._lists_version:
            self.suspects = read_suspects(self._lists)
            self._known.cache_clear()
            self._lists_version = version

    def _known_of(self, peer: str, forwarded: str | None) -> _Known:
        """Return what may be known of an address, which itself goes no further."""
        client = self._client(peer, forwarded)
        return _Known(truncated(client), self.suspects.address_reason(client))

    def _client(self, peer: str, forwarded: str | None) -> str:
        """Return the last address that no trusted proxy vouches for being a proxy.

        Each proxy appends whom it got the request from; what stands before the first
        untrusted address, read from the right, anybody can have written.
        """
        if forwarded is None or not self._is_proxy(peer):
            return peer
        hops = [hop.strip() for hop in forwarded.split(",")]
        for hop in reversed(hops):
            if not self._is_proxy(hop):
                return hop
        return hops[0]

    def _is_proxy(self, address: str) -> bool:
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._proxies)


def _short(value: str | None) -> str | None:
    return value[:MAX_HEADER] if value else None
