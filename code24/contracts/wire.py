"""The base of every contract, and the one way to encode it."""

from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any, Literal

import msgspec

GoalType = Literal["sales", "leads", "signups", "bookings", "traffic"]

Identifier = Annotated[
    str, msgspec.Meta(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+\Z")
]
Slug = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}\Z")]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class Contract(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    rename="camel",
    forbid_unknown_fields=True,
    omit_defaults=False,
):
    """Immutable, strict on unknown fields, camelCase on the wire."""


def encode(value: Any) -> bytes:
    """Encode any contract (or plain value) as JSON with sorted keys.

    Sorted, so that equal values have equal bytes, and so equal hashes and
    signatures.
    """
    return msgspec.json.encode(value, order="sorted")


def digest(value: Any) -> str:
    """Return the SHA-256 of the encoded value, 64 hexadecimal characters."""
    return sha256(encode(value)).hexdigest()
