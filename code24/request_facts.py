"""What the door knows of a request beside its body, and how an address is truncated."""

import ipaddress
from dataclasses import dataclass

MAX_USER_AGENT = 512
IPV4_PREFIX = 24
IPV6_PREFIX = 48
"""What is left of an address: the network of many households, as GA and Matomo do."""


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """What the request of a live event tells; each is absent where it is not known."""

    user_agent: str | None = None
    """The header, cut at ``MAX_USER_AGENT`` characters."""
    address: str | None = None
    """The client's network (``203.0.113.0``): never the address itself."""
    host: str | None = None
    """The ``Host`` that the request was sent to."""
    origin: str | None = None
    """The ``Origin`` of the page that sent it."""
    language: str | None = None
    """The ``Accept-Language`` header."""
    data_centre: str | None = None
    """Why its address is taken for a data centre's; none where it is not."""
    visitor_id: str | None = None
    """The cookieless id of whoever sent it, at this site and day."""


NO_REQUEST = RequestFacts()
"""Of an event that came in a file."""


def truncated(address: str) -> str | None:
    """Return the network of an address: /24 of IPv4, /48 of IPv6; none if it is none.

    An IPv4 address written as IPv6 (``::ffff:203.0.113.9``) is taken for IPv4.
    """
    try:
        parsed = ipaddress.ip_address(address.strip())
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address):
        mapped = parsed.ipv4_mapped
        if mapped is None:
            return _first(int(parsed), 128, IPV6_PREFIX)
        parsed = mapped
    return _first(int(parsed), 32, IPV4_PREFIX)


def _first(number: int, bits: int, prefix: int) -> str:
    network = number >> (bits - prefix) << (bits - prefix)
    return str(
        ipaddress.IPv4Address(network) if bits == 32 else ipaddress.IPv6Address(network)
    )
