"""Patterns of addresses, as GrowthBook's browser client matches them.

Addresses are read as browsers read them (https://url.spec.whatwg.org).
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, Protocol
from urllib.parse import parse_qsl

from ada_url import URL

from code24.targeting import patterns

PatternKind = Literal["simple", "regex"]
LONGEST = 4_096
"""Characters of an address; a longer one matches no pattern."""
_NOWHERE = "https://_"
_WILDCARD = "_____"
"""Stands for ``*`` while a pattern is read as an address, where a host has none."""


class _Pattern(Protocol):
    @property
    def pattern(self) -> str: ...
    @property
    def kind(self) -> PatternKind: ...
    @property
    def include(self) -> bool: ...


def check(kind: PatternKind, pattern: str) -> None:
    """Pass a pattern that browsers match as we do.

    Raises:
        ValueError: it is no address, or no regular expression of the common part.
    """
    if kind == "regex":
        patterns.check(pattern)
        return
    try:
        _simple(pattern)
    except ValueError:
        raise ValueError(
            f"pattern {pattern[:60]!r}: no address; such as /shop/* or *.example.com/"
        ) from None


def is_targeted(url: str, wanted: Sequence[_Pattern]) -> bool:
    """Say whether an address is asked: by no pattern at all, none is."""
    matched = {True: False, False: False}
    for one in wanted:
        matched[one.include] |= _matches(url, one.kind, one.pattern)
    includes = any(one.include for one in wanted)
    return bool(wanted) and not matched[False] and (matched[True] or not includes)


def _matches(url: str, kind: PatternKind, pattern: str) -> bool:
    if len(url) > LONGEST:
        return False
    try:
        actual = URL(url, _NOWHERE)
        return _FINDS[kind](actual, pattern)
    except ValueError:
        return False


def _finds(actual: URL, pattern: str) -> bool:
    after_origin = actual.href[len(actual.origin) :]
    return patterns.finds(pattern, actual.href) or patterns.finds(pattern, after_origin)


def _is_like(actual: URL, pattern: str) -> bool:
    host, path, fragment, wanted = _simple(pattern)
    given = _first(actual.search)
    parts = [(actual.host, host), (actual.pathname, path)]
    if fragment is not None:
        parts.append((actual.hash, fragment))
    parts.extend((given.get(name, ""), value) for name, value in wanted)
    return all(patterns.finds(one, text, is_insensitive=True) for text, one in parts)


_FINDS = {"regex": _finds, "simple": _is_like}


def _first(search: str) -> dict[str, str]:
    """Return the first value of each query parameter."""
    pairs = parse_qsl(search.removeprefix("?"), keep_blank_values=True)
    return dict(reversed(pairs))


@lru_cache(patterns.KEPT)
def _simple(
    pattern: str,
) -> tuple[str, str, str | None, tuple[tuple[str, str], ...]]:
    """Return what host, path, fragment and query parameters must match."""
    expected = URL(
        _with_scheme(pattern).replace("*", _WILDCARD), f"https://{_WILDCARD}"
    )
    query = parse_qsl(expected.search.removeprefix("?"), keep_blank_values=True)
    return (
        _whole(_text(expected.host)),
        _whole(f"/?{_text(_trimmed(expected.pathname))}/?"),
        _whole(_text(expected.hash)) if expected.hash else None,
        tuple((name, _whole(_text(value))) for name, value in query),
    )


def _with_scheme(pattern: str) -> str:
    """Put ``https://`` before a pattern that begins with a host."""
    head = pattern
    for end in ":/?":
        head = head.partition(end)[0]
    return f"https://{pattern}" if "." in head else pattern


def _trimmed(path: str) -> str:
    return path.removeprefix("/").removesuffix("/")


def _text(text: str) -> str:
    return ".*".join(map(patterns.escaped, text.split(_WILDCARD)))


def _whole(pattern: str) -> str:
    return f"^(?:{pattern})$"
