"""Who sends a request: its address behind proxies, truncated, and its cookieless id."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address

from starlette.requests import Request

from code24.cookieless import CookielessIds, SaltError
from code24.request_facts import MAX_USER_AGENT, RequestFacts, truncated

RENEW_SECONDS = 60.0
"""A salt is gone this long after its time at most, whether events come or not."""
MAX_HEADER = 256
"""What is kept of headers that say where a request comes from."""

_log = logging.getLogger(__name__)


class Clients:
    """Tells the facts of requests; no raw address leaves it."""

    def __init__(
        self,
        ids: CookielessIds,
        trusted_proxies: Sequence[IPv4Network | IPv6Network] = (),
    ) -> None:
        self._ids = ids
        self._proxies = tuple(trusted_proxies)
        # Clients come again and again; parsing an address costs more than the rest.
        self._network = lru_cache(maxsize=4_096)(self._network_of)

    def facts(self, request: Request, site_id: str, now: datetime) -> RequestFacts:
        """Return what the request tells beside its body.

        Raises:
            SaltError: no salt can be kept.
        """
        headers = request.headers
        user_agent = headers.get("user-agent", "")[:MAX_USER_AGENT]
        peer = request.client.host if request.client else ""
        forwarded = headers.get("x-forwarded-for") if self._proxies else None
        network = self._network(peer, forwarded)
        return RequestFacts(
            user_agent=user_agent or None,
            address=network,
            host=_short(headers.get("host")),
            origin=_short(headers.get("origin")),
            language=_short(headers.get("accept-language")),
            visitor_id=self._ids.visitor_id(site_id, network or "", user_agent, now),
        )

    async def follow(self) -> None:
        """Delete salts when their time has come, until cancelled."""
        while True:
            try:
                self._ids.renew(datetime.now(UTC))
            except SaltError as error:
                _log.warning("%s", error)
            await asyncio.sleep(RENEW_SECONDS)

    def _network_of(self, peer: str, forwarded: str | None) -> str | None:
        return truncated(self._client(peer, forwarded))

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
