"""What an operation is: how it is called, what it takes, what it answers."""

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple, TypeVar

import msgspec

from code24.contracts.wire import Contract
from code24.errors import Code24Error
from code24.publishing import publish
from code24.settings import Settings
from code24.state import State

LOG = logging.getLogger(__name__)
OPERATOR = "operator"
"""The actor of every change made through this API."""
C = TypeVar("C", bound=Contract)


class Problem(Contract, frozen=True, kw_only=True):
    """Why a request was refused, in one line."""

    error: str


class Nothing(Contract, frozen=True, kw_only=True):
    """No filter."""


class Trying(Contract, frozen=True, kw_only=True):
    """Whether only to check, or to tell what would be."""

    dry_run: bool = False


class Call(NamedTuple):
    """One request, and what it is answered from."""

    state: State
    settings: Settings
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes


class Operation(NamedTuple):
    """One route: how it is called, what it takes, what it answers."""

    method: Literal["GET", "POST"]
    path: str
    summary: str
    run: Callable[[Call], Contract]
    answer: type[Contract]
    query: type[Contract] = Nothing
    body: type[Contract] | None = None


def asked(call: Call, kind: type[C]) -> C:
    """Return the query of a request as its contract; flags are ``true`` or ``false``.

    Raises:
        msgspec.ValidationError: it holds something else; names the field.
    """
    return msgspec.convert(dict(call.query), kind, strict=False)


def sent(call: Call, kind: type[C]) -> C:
    """Return the body of a request as its contract; no body is an empty object.

    Raises:
        msgspec.DecodeError: it is no JSON, or holds something else; names the field.
    """
    return msgspec.json.decode(call.body or b"{}", type=kind)


def now() -> datetime:
    """Return the moment of a change."""
    return datetime.now(UTC)


def publish_change(call: Call, provenance: Mapping[str, Any]) -> None:
    """Publish what was changed; where that fails, the job it asked for does it."""
    try:
        publish(call.settings, provenance)
    except Code24Error as error:
        LOG.warning("changed, but not published yet: %s", error)
