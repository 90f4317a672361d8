"""What dead letters may show of a row that could not be read: no visitor's address."""

import ipaddress
import json
import re
from collections.abc import Mapping
from typing import Any

_CANDIDATE = re.compile(r"(?<![\w.:])[0-9A-Fa-f]*[.:][0-9A-Fa-f.:]{2,43}(?![\w:])")
HIDDEN = "(address)"


def without_addresses(text: str) -> str:
    """Return the text with each IPv4 and IPv6 address in it hidden."""
    return _CANDIDATE.sub(_hidden, text)


def shown(fields: Mapping[str, Any]) -> str:
    """Return a row as the text of a dead letter."""
    return json.dumps(dict(fields), default=str, ensure_ascii=False)


def _hidden(found: "re.Match[str]") -> str:
    text = found.group()
    try:
        ipaddress.ip_address(text.rstrip("."))
    except ValueError:
        return text
    return HIDDEN
