"""JSON that common clients write and that is none, as JSON.

Python's ``json`` writes ``NaN``, and a text cut within an emoji leaves half of a
surrogate pair. One such value would cost the whole batch, which clients drop on an
error.
"""

import json
import re
from math import isfinite

_HALVES = re.compile("[\ud800-\udfff]")
_UNKNOWN = "\ufffd"


def mended_json(body: bytes) -> bytes | None:
    """Return the body as JSON; none where it is nothing like it.

    Numbers that are none become null, as browsers write them; halves of pairs
    become U+FFFD; a byte-order mark goes. Bytes that are no UTF-8 are left: what they
    were meant to be is not known.
    """
    try:
        value = json.loads(
            body.decode("utf-8-sig"),
            parse_constant=lambda _: None,
            parse_float=_finite,
        )
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (ValueError, RecursionError):
        return None
    return _HALVES.sub(_UNKNOWN, text).encode()


def _finite(text: str) -> float | None:
    number = float(text)
    return number if isfinite(number) else None
