"""Asking the collector to forget visitors or a site in its live state.

The live state is the collector's alone while it runs, so whoever erases leaves a
request beside it: a file that holds hashes, never an id. The collector carries it out
within seconds, or at its next start, and removes it then.
"""

import secrets
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path

import msgspec

from code24.contracts.wire import Contract, encode

UNIT_BYTES = 8
"""64 bits: among 400,000 units two are taken for one with a chance of 4·10⁻⁹."""
FOLDER = "forget"


class Forgetting(Contract, frozen=True, kw_only=True):
    """What is to be forgotten: a whole site, or some of its units."""

    site_id: str
    units: tuple[int, ...] | None = None
    """Their ``unit_digest``; none: everything of the site."""


def unit_digest(site_id: str, unit_id: str) -> int:
    """Return the number by which a unit is known; SQLite's integers are signed."""
    data = blake2b(f"{site_id}\0{unit_id}".encode(), digest_size=UNIT_BYTES).digest()
    return int.from_bytes(data, "little", signed=True)


def ask(live: Path, site_id: str, unit_ids: Iterable[str] | None = None) -> Path:
    """Leave a request; return its file, which is gone once it has been carried out.

    Args:
        live: The folder of the live state (``Settings.live``).
        site_id: Whose.
        unit_ids: The visitors' and units' ids; everything of the site where absent.
    """
    units = None
    if unit_ids is not None:
        units = tuple(unit_digest(site_id, unit_id) for unit_id in unit_ids)
    path = live / FOLDER / f"{secrets.token_hex(8)}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_bytes(encode(Forgetting(site_id=site_id, units=units)))
    temporary.replace(path)
    return path


def asked(live: Path) -> list[tuple[Path, Forgetting]]:
    """Return the requests that wait; a file that is none is left alone."""
    found = []
    for path in sorted((live / FOLDER).glob("*.json")):
        try:
            wanted = msgspec.json.decode(path.read_bytes(), type=Forgetting)
        except (OSError, msgspec.MsgspecError):
            continue
        found.append((path, wanted))
    return found
