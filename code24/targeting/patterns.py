"""Regular expressions that mean the same to every client and cannot be made to hang.

Written by operators, matched here against what visitors send. RE2 takes time linear in
the text (https://github.com/google/re2); what it lacks is refused, and so is what
JavaScript and Python read differently.
"""

import re
from functools import lru_cache
from typing import Any

import re2

LONGEST = 1_000
"""Characters of a pattern. Range 100 to 10,000."""
LONGEST_TEXT = 4_096
"""Characters of a visitor's text that are matched; a longer one matches nothing."""
KEPT = 4_096
"""Compiled patterns that are kept; each has a few kB."""
MEMORY = 1 << 20
"""Bytes that one compiled pattern may take."""

_ESCAPES = frozenset("dDwWsSbBnrtfv0\\/.*+?^$|()[]{}-")
_ESCAPE = re.compile(r"\\(.?)", re.DOTALL)
_GROUP = re.compile(r"\(\?(?!:)")
_CLASS = re.compile(r"\[\[:|\[\^?\]|\{,")


def check(pattern: str) -> None:
    """Pass a pattern that all clients read alike.

    Raises:
        ValueError: it is too long, no regular expression, or not of the common part:
            no look-around, no reference back, no flags, no named groups.
    """
    if len(pattern) > LONGEST:
        raise ValueError(f"pattern of {len(pattern):,} characters: at most {LONGEST:,}")
    for escaped in _ESCAPE.findall(pattern):
        if escaped not in _ESCAPES or not escaped:
            raise ValueError(f"pattern {pattern[:60]!r}: \\{escaped} is not for all")
    plain = _ESCAPE.sub("x", pattern)
    if _GROUP.search(plain):
        raise ValueError(f"pattern {pattern[:60]!r}: of (?…) only (?:…) is for all")
    if _CLASS.search(plain):
        raise ValueError(f"pattern {pattern[:60]!r}: name the characters of each class")
    if _compiled(pattern, is_insensitive=False) is None:
        raise ValueError(f"pattern {pattern[:60]!r}: no regular expression")


def finds(pattern: Any, text: str, *, is_insensitive: bool = False) -> bool:
    """Say whether the pattern occurs; one that is none occurs nowhere."""
    if not isinstance(pattern, str) or len(text) > LONGEST_TEXT:
        return False
    compiled = _compiled(pattern, is_insensitive=is_insensitive)
    return compiled is not None and compiled.search(_sound(text)) is not None


def escaped(text: str) -> str:
    """Return the pattern that matches this text alone."""
    return str(re2.escape(text))


def _sound(text: str) -> str:
    """Return the text without halves of surrogate pairs, which no pattern can name."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


@lru_cache(KEPT)
def _compiled(pattern: str, *, is_insensitive: bool) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MEMORY
    options.case_sensitive = not is_insensitive
    try:
        return re2.compile(pattern, options)
    except (re2.error, UnicodeEncodeError):
        return None
