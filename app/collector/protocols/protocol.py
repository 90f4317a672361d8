"""What a protocol is: where it is spoken, how a body is read, how it is answered."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

import msgspec
from starlette.responses import Response

from code24.contracts.event import Answer
from code24.contracts.wire import encode

KeyKind = Literal["write_key", "client_key", "host"]


class BadBodyError(Exception):
    """The body is not what a request holds; the message is a dead letter's reason."""


@contextmanager
def refused_bodies() -> Iterator[None]:
    """Turn the decoder's errors into the reasons of dead letters."""
    try:
        yield
    except msgspec.ValidationError as error:
        raise BadBodyError(f"invalid: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadBodyError(f"bad_json: {error}") from error
    except RecursionError:
        raise BadBodyError("too_deep: the body is nested without end") from None


class BadItemError(Exception):
    """One item of a body is no event; the message is its dead letter's reason."""

    def __init__(self, reason: str, kept: bytes) -> None:
        super().__init__(reason)
        self.kept = kept
        """What of the item goes into the letter."""


class Key(NamedTuple):
    """What names the site that a request is for; none of these is secret."""

    kind: KeyKind
    text: str


class Arrival(NamedTuple):
    """One request as a protocol sees it."""

    path: str
    query: Mapping[str, str]
    body: bytes


class Envelope(NamedTuple):
    """A body taken apart, its items not yet looked at."""

    key: Key | None
    """The key within the body or address; one in the header wins."""
    items: list[Any]
    """What becomes one event each, in the protocol's own form."""


@dataclass(frozen=True, slots=True)
class Context:
    """What an item needs, beside itself, to become an event."""

    site_id: str
    path: str
    received_at: datetime
    pseudonym: Callable[[str], str]
    """Returns what stands in for an id that says who a person is, at this site."""


Event = bytes | dict[str, Any]
"""A native event, not yet validated: JSON text, or fields with camelCase names."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """One language: pure functions."""

    name: str
    routes: tuple[str, ...]
    open: Callable[[Arrival], Envelope]
    """Takes a body apart, or raises ``BadBodyError``."""
    event: Callable[[Any, Context], Event]
    """Maps one item, or raises ``BadItemError``."""
    answer: Callable[[Answer], Response]
    is_sent_for_visitors: bool = False
    """Servers send it for their visitors: only a browser's request is a visitor's."""
    unknown_site: Callable[[], Response] | None = None
    """Answers a request for no site of ours; an error where absent."""


def json_answer(status: int, value: object) -> Response:
    """Return an answer in JSON."""
    return Response(encode(value), status, media_type="application/json")
