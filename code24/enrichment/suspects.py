"""What an operator's lists say of an event: a faked referrer, a data centre's address.

Two text files in ``CODE24_HOME/lists``, a line an entry, ``#`` before remarks:

- ``referrer-spam.txt``: a host; its subdomains count too. The form of Matomo's list.
- ``data-centres.txt``: a network (``192.0.2.0/24``), then a name where wanted.

Neither is there at first: no package that is kept well carries such lists (see
docs/decisions/0061).
"""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

REFERRERS = "referrer-spam.txt"
DATA_CENTRES = "data-centres.txt"
UNNAMED = "listed"
"""The name of a network without one: a network may be as small as an address, so it is
never told itself."""
LONGEST = 253
"""Characters of a host, as DNS has it."""

_log = logging.getLogger(__name__)


class _Prefix(NamedTuple):
    """All networks of one size."""

    version: int
    length: int


@dataclass(frozen=True, slots=True)
class Suspects:
    """Both lists; looking up costs a few steps, however long they are."""

    referrers: frozenset[str] = frozenset()
    networks: Mapping[_Prefix, Mapping[int, str]] = field(default_factory=dict)
    """Names by the first bits of a network, by the size of it."""

    def referrer_reason(self, referrer: str | None) -> str | None:
        """Return why the referrer of an event says that a bot sent it."""
        if not referrer or not self.referrers:
            return None
        found = next((one for one in _domains(referrer) if one in self.referrers), None)
        return None if found is None else f"referrer-spam: {found}"

    def address_reason(self, address: str) -> str | None:
        """Return why an address says so: the name of the data centre, nothing more."""
        parsed = _parsed(address)
        if parsed is None:
            return None
        number, bits = int(parsed), parsed.max_prefixlen
        for prefix, names in self.networks.items():
            if prefix.version == parsed.version:
                name = names.get(number >> (bits - prefix.length))
                if name is not None:
                    return f"data-centre: {name}"
        return None


NO_SUSPECTS = Suspects()


def read_suspects(folder: Path) -> Suspects:
    """Read the lists that there are; a line that is no entry is warned about."""
    networks: dict[_Prefix, dict[int, str]] = {}
    for line in _lines(folder / DATA_CENTRES):
        text, _, name = line.text.partition(" ")
        try:
            network = ip_network(text, strict=False)
        except ValueError as error:
            _log.warning("%s: left out: %s", line.place, error)
            continue
        prefix = _Prefix(network.version, network.prefixlen)
        first = int(network.network_address) >> (
            network.max_prefixlen - network.prefixlen
        )
        networks.setdefault(prefix, {})[first] = name.strip() or UNNAMED
    return Suspects(frozenset(_hosts(folder / REFERRERS)), networks)


def lists_version(folder: Path) -> tuple[tuple[int, int], ...]:
    """Return what differs after either list was written; cheap."""
    found = []
    for name in (REFERRERS, DATA_CENTRES):
        try:
            told = (folder / name).stat()
        except OSError:
            found.append((0, 0))
        else:
            found.append((told.st_mtime_ns, told.st_size))
    return tuple(found)


class _Line(NamedTuple):
    place: str
    text: str


def _lines(path: Path) -> Iterator[_Line]:
    """Yield the entries of a list; one that cannot be read is warned about."""
    try:
        text = path.read_text("utf-8-sig", errors="replace")
    except FileNotFoundError:
        return
    except OSError as error:
        _log.warning("%s: cannot be read: %s", path, error.strerror)
        return
    for number, line in enumerate(text.splitlines(), start=1):
        entry = " ".join(line.partition("#")[0].split())
        if entry:
            yield _Line(f"{path.name}:{number}", entry)


def _hosts(path: Path) -> Iterator[str]:
    for line in _lines(path):
        host = line.text.lower().strip(".")
        if "/" in host or " " in host or "." not in host or len(host) > LONGEST:
            _log.warning("%s: left out: %.80r is no host", line.place, line.text)
            continue
        yield host


def _domains(referrer: str) -> Iterator[str]:
    """Yield the referrer's host and the domains that it lies in."""
    try:
        host = urlsplit(referrer).hostname or ""
    except ValueError:
        return
    labels = host[-LONGEST:].strip(".").split(".")
    for start in range(len(labels) - 1):
        yield ".".join(labels[start:])


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    """Return the address; one of IPv4 that is written as IPv6 as what it is."""
    try:
        parsed = ip_address(address.strip())
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed
