"""The CSS selectors that a change may use: what every rewriter understands alike.

Type, ``#id``, ``.class``, ``[attribute]`` with any of ``= ~= |= ^= $= *=``, joined by
descendant or ``>``. No lists, escapes, pseudo-classes, ``*``, ``+`` or ``~``.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

from code24.errors import Code24Error

MAX_LENGTH = 512
MAX_COMPOUNDS = 12
"""Deeper selectors break at the next redesign of the page."""

_NAME = r"-?[A-Za-z_][A-Za-z0-9_-]*"
_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_SIMPLE = re.compile(
    rf"""\#(?P<id>{_NAME})
    | \.(?P<class>{_NAME})
    | \[[ ]*(?P<name>[A-Za-z_][A-Za-z0-9_:.-]*)[ ]*
      (?: (?P<operator>[~|^$*]?=) [ ]* (?: "(?P<double>[^"\\]*)" | '(?P<single>[^'\\]*)'
        | (?P<bare>{_NAME}) ) [ ]* )? \]""",
    re.VERBOSE,
)
_COMBINATOR = re.compile(r"[ ]*>[ ]*|[ ]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class SelectorError(Code24Error):
    """A selector is malformed, or uses what not every rewriter understands."""


class Condition(NamedTuple):
    """What an attribute has to be."""

    name: str
    """In lower case."""
    operator: str | None = None
    """None where the attribute must only be there."""
    value: str = ""


@dataclass(frozen=True, slots=True)
class Compound:
    """What one element has to be; ``tag`` in lower case."""

    tag: str | None
    ids: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()


def parse(selector: str) -> tuple[Compound, ...]:
    """Return the compounds of a selector, the element meant last.

    Raises:
        SelectorError: names the place from which on it cannot be read.
    """
    if not selector or len(selector) > MAX_LENGTH:
        raise SelectorError(
            f"selector {selector[:40]!r} has {len(selector)} characters; "
            f"1 to {MAX_LENGTH} may be"
        )
    if _CONTROL.search(selector):
        raise SelectorError(f"selector {selector!r} holds a control character")
    compounds = []
    place = 0
    while True:
        compound, place = _compound(selector, place)
        compounds.append(compound)
        if place == len(selector):
            return _counted(selector, compounds)
        match = _COMBINATOR.match(selector, place)
        if match is None:
            raise _unreadable(selector, place)
        place = match.end()


def _counted(selector: str, compounds: list[Compound]) -> tuple[Compound, ...]:
    if len(compounds) > MAX_COMPOUNDS:
        raise SelectorError(
            f"selector {selector[:40]!r} is {len(compounds)} elements deep; "
            f"{MAX_COMPOUNDS} may be"
        )
    return tuple(compounds)


def _compound(selector: str, start: int) -> tuple[Compound, int]:
    ids: list[str] = []
    classes: list[str] = []
    conditions: list[Condition] = []
    tag = _TYPE.match(selector, start)
    place = tag.end() if tag else start
    while match := _SIMPLE.match(selector, place):
        place = match.end()
        if match["id"]:
            ids.append(match["id"])
        elif match["class"]:
            classes.append(match["class"])
        else:
            conditions.append(_condition(match))
    if place == start:
        raise _unreadable(selector, place)
    name = tag[0].lower() if tag else None
    return Compound(name, tuple(ids), tuple(classes), tuple(conditions)), place


def _condition(match: re.Match[str]) -> Condition:
    given = (match[name] for name in ("double", "single", "bare"))
    value = next((text for text in given if text is not None), "")
    return Condition(match["name"].lower(), match["operator"], value)


def _unreadable(selector: str, place: int) -> SelectorError:
    return SelectorError(
        f"selector {selector!r} cannot be used from {selector[place:][:20]!r} on; only "
        "type, #id, .class, [attribute], descendant and > may be"
    )
