"""Which ids of a person an event carries.

A short value counts only in a field whose name says that it names a person: an order,
a product or a page may well have the number that is somebody else's visitor id. What
is as long as ``DISTINCTIVE`` is nobody else's by chance, and counts wherever it stands.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from code24.contracts.event import Event

PERSON_FIELDS = frozenset(
    {
        "visitorid",
        "unitid",
        "userid",
        "anonymousid",
        "previousid",
        "clientid",
        "deviceid",
        "distinctid",
        "uid",
        "cid",
        "email",
        "useridhash",
        "previousidhash",
    }
)
"""Names of fields and of parameters of addresses, in small letters, without ``_-$``.

Segment's and RudderStack's (``userId``, ``anonymousId``, ``previousId``), GA4's
(``client_id``, ``cid``, ``uid``), PostHog's (``distinct_id``), our own; and what the
doors make of ids that say who somebody is (``userIdHash``, ``previousIdHash``)."""

DISTINCTIVE = 12
"""Characters; random ids, addresses of mail and digests have more."""
_STRINGS = re.compile(r'\\*"((?:[^"\\]|\\[^"])*)\\*"')
_WORDS = re.compile(r"[^\s\"'\\,;:{}\[\]()<>&=?#/|]+")


def identifiers(event: Event) -> frozenset[str]:
    """Return all in an event that may be the id of a person."""
    urls = (event.url or "", event.referrer or "")
    return candidates(event.visitor_id, event.metadata, urls)


def persons_in(
    visitor_id: str, metadata: Mapping[str, Any], urls: tuple[str, ...]
) -> frozenset[str]:
    """Return the ids in fields that name persons: metadata at any depth, addresses."""
    found = _found(metadata, urls)
    named = (value for name, value in found if is_person_field(name))
    return frozenset({visitor_id, *named})


def candidates(
    visitor_id: str, metadata: Mapping[str, Any], urls: tuple[str, ...]
) -> frozenset[str]:
    """Return the same, and all that is long enough to be an id in any field."""
    found = _found(metadata, urls)
    named = (
        value
        for name, value in found
        if len(value) >= DISTINCTIVE or is_person_field(name)
    )
    return frozenset({visitor_id, *named})


def mentions(text: str) -> frozenset[str]:
    """Return all that could be an id in a text of any form: its strings and words."""
    strings = (_unescaped(found) for found in _STRINGS.findall(text))
    return frozenset(_WORDS.findall(text)).union(strings)


def is_person_field(name: str) -> bool:
    """Tell whether a field of this name names a person."""
    plain = name.lower().replace("_", "").replace("-", "").replace("$", "")
    return plain in PERSON_FIELDS


def _found(
    metadata: Mapping[str, Any], urls: tuple[str, ...]
) -> Iterator[tuple[str, str]]:
    """Yield names and values of metadata, and of addresses their parts."""
    yield from _of_value("", metadata)
    for url in urls:
        if url:
            yield from _of_url(url)


def _of_value(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str | int):
        yield name, str(value)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _of_value(key, item)
    elif isinstance(value, list):
        for item in value:
            yield from _of_value(name, item)


def _of_url(url: str) -> Iterator[tuple[str, str]]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return
    yield from parse_qsl(f"{parts.query}&{parts.fragment}")
    for segment in parts.path.split("/"):
        yield "", unquote(segment)


def _unescaped(text: str) -> str:
    try:
        return msgspec.json.decode(f'"{text}"'.encode(), type=str)
    except msgspec.DecodeError:
        return text
