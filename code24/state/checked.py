"""Checking a contract that was built in Python, where nothing is validated."""

from typing import TypeVar

import msgspec

from code24.contracts.wire import Contract, encode
from code24.state.errors import InvalidError

C = TypeVar("C", bound=Contract)


def checked(value: C) -> C:
    """Return ``value`` as it would come off the wire.

    Raises:
        InvalidError: a field does not hold what its contract says; names the field.
    """
    try:
        return msgspec.json.decode(encode(value), type=type(value))
    except msgspec.ValidationError as error:
        raise InvalidError(f"{type(value).__name__} {value!r:.200}: {error}") from error
