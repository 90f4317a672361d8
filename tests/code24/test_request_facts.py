import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from code24.request_facts import truncated


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0"),
        (" 203.0.113.77 ", "203.0.113.0"),
        ("2001:db8:abcd:12:3456::7", "2001:db8:abcd::"),
        ("::ffff:203.0.113.77", "203.0.113.0"),
        ("::1", "::"),
        ("fe80::1%eth0", "fe80::"),
        ("", None),
        ("203.0.113", None),
        ("203.0.113.77, 10.0.0.1", None),
        ("localhost", None),
    ],
)
def test_what_is_left_of_an_address(address: str, network: str | None) -> None:
    assert truncated(address) == network


@given(st.ip_addresses())
def test_nothing_of_a_host_is_left(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    network = truncated(str(address))
    assert network is not None
    assert truncated(network) == network
    kept = ipaddress.ip_address(network)
    hidden = 8 if kept.version == 4 else 80
    assert int(kept) % (1 << hidden) == 0
