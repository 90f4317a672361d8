"""Variants forced for a preview: shown to one visitor, never counted.

By the page's address, ``?<test>=<index>``, or by the client's ``forcedVariations``.
"""

import re
from collections.abc import Mapping

from code24.contracts.experiment import Experiment

_INTEGER = re.compile(r"[ \t\n\r\f\v]*([+-]?[0-9]{1,15})", re.ASCII)


def wanted(test: Experiment, url: str, forced: Mapping[str, int]) -> int | None:
    """Return the index of the variant to be shown; none where nothing is forced.

    The address counts before what the client forces, as in the clients.
    """
    count = len(test.variants)
    by_address = _asked(test.test_id, url) if "?" in url else None
    if by_address is not None and 0 <= by_address < count:
        return by_address
    index = forced.get(test.test_id)
    return index if index is not None and 0 <= index < count else None


def _asked(name: str, url: str) -> int | None:
    """Return the first value of a query parameter, read as parseInt does."""
    search = url.partition("?")[2].partition("?")[0].partition("#")[0]
    for pair in search.split("&"):
        key, _, value = pair.partition("=")
        if key == name:
            found = _INTEGER.match(value)
            return None if found is None else int(found[1])
    return None
