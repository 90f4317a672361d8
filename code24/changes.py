"""Which changes of a page may be served: a closed set, refused where in doubt.

What a selector finds is known only on the page, so that whoever applies a change must
also leave alone every element of ``UNTOUCHABLE`` that it finds.
"""

import re
from collections.abc import Collection, Sequence

from code24 import selectors
from code24.contracts.change import (
    AddClass,
    AnyOperation,
    Attribute,
    Change,
    Remove,
    Text,
)
from code24.contracts.wire import encode
from code24.errors import Code24Error
from code24.selectors import Compound

UNTOUCHABLE = frozenset(
    (
        *("base", "embed", "frame", "iframe", "link", "math", "noscript", "object"),
        *("portal", "script", "style", "svg", "template"),
    )
)
"""Elements that run or load something, or whose text is not text."""
FIELDS = frozenset(("button", "fieldset", "form", "input", "select", "textarea"))
"""Elements of forms: named exactly or not at all."""
STRUCTURE = frozenset(("html", "head", "body", "main", "form", "fieldset"))
"""Emptying one of these takes the page, or its way to the goal, with it."""
LINK_TAGS = frozenset(("a", "area"))
MEDIA_TAGS = frozenset(("img", "source", "video", "audio"))
PLAIN_ATTRIBUTES = frozenset(
    (
        *("alt", "decoding", "dir", "fetchpriority", "height", "hidden", "lang"),
        *("loading", "open", "placeholder", "rel", "role", "sizes", "target"),
        *("title", "width"),
    )
)
"""Cannot run code or load anything. Everything else is refused, ``data-`` too: page
frameworks run what they find there."""
MAX_OPERATIONS = 50
MAX_TEXT = 5_000
MAX_ATTRIBUTE = 2_000
MAX_REQUIRED = 10_000
MAX_CHANGE_BYTES = 64 * 1024

_CLASS = re.compile(r"-?[A-Za-z_][A-Za-z0-9_-]{0,63}")
_ARIA = re.compile(r"aria-[a-z]+")
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:[0-9]{1,5})?")
_PATH = re.compile(r"[/*][!-\[\]-~]{0,2047}")
_ABSOLUTE = re.compile(r"https?://(?P<host>[^/?#@\\]+)(?:[/?#].*)?", re.IGNORECASE)
_RELATIVE = re.compile(r"(?!//)[^:/?#]*(?:[/?#].*)?")
_CONTACT = re.compile(r"(?:mailto:[^?\s]+@[^?\s]+|tel:\+?[0-9().-]+)", re.IGNORECASE)
_UNSAFE_IN_URL = re.compile(
    r"[\x00-\x20\x7f-\xa0\\<>\"`\u2028\u2029\ufeff]|&#|&[A-Za-z0-9]+;"
)
"""Character references too: not every rewriter escapes the ``&`` of an attribute."""
_UNSAFE_IN_TEXT = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202d\u202e\ud800-\udfff\ufffe\uffff]"
)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SENSITIVE = re.compile(
    r"passw|passcode|passphrase|pwd|one-?time-?code|credit-?card|payment|paypal"
    r"|card-?(num|no|hold|exp|cv|code)|account-?n|sort-?code"
    r"|(^|-)(pin|otp|cc|cvc|cvv|cv2|csc|iban|stripe|routing)($|-)"
)
_TELLING = frozenset(("type", "name", "id", "class", "autocomplete"))
_EXACT = frozenset(("=", "~="))


class ChangeError(Code24Error):
    """A change may not be served; names the change, the operation and the reason."""


def validate(change: Change, *, hosts: Collection[str] = ()) -> Change:
    """Return the change as it is, or refuse it whole.

    Args:
        change: what someone, or a generator, proposes.
        hosts: hosts beside the change's own that links and images may lead to.

    Raises:
        ChangeError: an operation could run code, send a visitor or a form elsewhere,
            touch a password or payment field, or cannot be applied by every rewriter.
    """
    try:
        _check_frame(change)
        allowed = {change.match.host, *hosts}
        for index, operation in enumerate(change.ops):
            _check_operation(index, operation, allowed)
    except (_Refused, selectors.SelectorError) as error:
        raise ChangeError(f"change {change.id!r}: {error}") from None
    except UnicodeEncodeError as error:
        raise ChangeError(
            f"change {change.id!r}: holds half a character ({error.reason})"
        ) from None
    return change


class _Refused(Exception):  # noqa: N818 - never leaves this module
    pass


def _check_frame(change: Change) -> None:
    if change.v != 1:
        raise _Refused(f"v is {change.v}; this version knows 1")
    if not _HOST.fullmatch(change.match.host):
        raise _Refused(f"match.host {change.match.host!r} is no host name")
    if not _PATH.fullmatch(change.match.path):
        raise _Refused(f"match.path {change.match.path[:60]!r} must begin with / or *")
    if not 1 <= len(change.ops) <= MAX_OPERATIONS:
        raise _Refused(f"{len(change.ops)} operations; 1 to {MAX_OPERATIONS} may be")
    for selector, count in change.requires.items():
        selectors.parse(selector)
        if not 0 <= count <= MAX_REQUIRED:
            raise _Refused(f"requires {selector!r}: {count} is no count of elements")
    size = len(encode(change))
    if size > MAX_CHANGE_BYTES:
        raise _Refused(f"it has {size} bytes; {MAX_CHANGE_BYTES} may be")


def _check_operation(
    index: int, operation: AnyOperation, hosts: Collection[str]
) -> None:
    try:
        path = selectors.parse(operation.sel)
        _check_target(path)
        match operation:
            case Text():
                _check_kept(path[-1])
                _check_text(operation.value, MAX_TEXT)
            case AddClass():
                _check_class(operation.value)
            case Attribute():
                _check_attribute(operation, path[-1], hosts)
            case Remove():
                _check_kept(path[-1])
    except (_Refused, selectors.SelectorError) as error:
        raise _Refused(f"operation {index}: {error}") from None


def _check_target(path: Sequence[Compound]) -> None:
    target = path[-1]
    if target.tag in UNTOUCHABLE:
        raise _Refused(f"<{target.tag}> may not be changed")
    if any(condition.name == "http-equiv" for condition in target.conditions):
        raise _Refused("http-equiv may not be changed")
    if target.tag is None or target.tag in FIELDS or "-" in target.tag:
        _check_exact(target)
        for compound in path:
            _check_sensitive(compound)


def _check_exact(target: Compound) -> None:
    """Refuse what may find password and payment fields among others."""
    exact = [c for c in target.conditions if c.operator in _EXACT]
    is_named = bool(target.ids or target.classes or exact)
    if target.tag in FIELDS and not is_named:
        raise _Refused(
            f"{target.tag!r} finds password and payment fields too; say which one by "
            "id, class or attribute"
        )
    for condition in target.conditions:
        if condition.name in _TELLING and condition.operator not in _EXACT:
            raise _Refused(
                f"[{condition.name}] must be given whole, with =, as a part of it may "
                "find password and payment fields too"
            )


def _check_sensitive(compound: Compound) -> None:
    values = (condition.value for condition in compound.conditions)
    for word in (compound.tag or "", *compound.ids, *compound.classes, *values):
        if _SENSITIVE.search(_HUMP.sub("-", word).lower().replace("_", "-")):
            raise _Refused(
                f"{word[:60]!r} looks like a password or payment field, which may not "
                "be changed"
            )


def _check_text(value: str, limit: int) -> None:
    if len(value) > limit:
        raise _Refused(f"the value has {len(value)} characters; {limit} may be")
    if unsafe := _UNSAFE_IN_TEXT.search(value):
        raise _Refused(f"the value holds the character {unsafe[0]!a}")


def _check_class(value: str) -> None:
    if not _CLASS.fullmatch(value):
        raise _Refused(f"{value[:60]!r} is not one class name")


def _check_attribute(
    operation: Attribute, target: Compound, hosts: Collection[str]
) -> None:
    name = operation.name
    _check_text(operation.value, MAX_ATTRIBUTE)
    if name in PLAIN_ATTRIBUTES or _ARIA.fullmatch(name):
        return
    if name == "href":
        _check_tag(name, target, LINK_TAGS)
        _check_address(operation.value, hosts, is_link=True)
    elif name in {"src", "poster"}:
        _check_tag(name, target, MEDIA_TAGS)
        _check_address(operation.value, hosts, is_link=False)
    elif name == "srcset":
        _check_tag(name, target, MEDIA_TAGS)
        for candidate in operation.value.split(","):
            _check_candidate(candidate, hosts)
    elif name == "content":
        _check_meta(target)
    else:
        raise _Refused(f"attribute {name[:60]!r} may not be set")


def _check_tag(name: str, target: Compound, tags: Collection[str]) -> None:
    if target.tag not in tags:
        raise _Refused(
            f"{name} may be set only where the selector names one of "
            f"{', '.join(sorted(tags))}"
        )


def _check_address(value: str, hosts: Collection[str], *, is_link: bool) -> None:
    if unsafe := _UNSAFE_IN_URL.search(value):
        raise _Refused(f"address {value[:60]!r} holds {unsafe[0]!a}")
    if is_link and _CONTACT.fullmatch(value):
        return
    absolute = _ABSOLUTE.fullmatch(value)
    if absolute is None and not _RELATIVE.fullmatch(value):
        raise _Refused(
            f"address {value[:60]!r} must be a path, or http(s) and one of "
            f"{', '.join(sorted(hosts))}"
        )
    if absolute is not None and absolute["host"].lower() not in hosts:
        raise _Refused(
            f"address {value[:60]!r} leads to {absolute['host'][:60]!r}; allowed are "
            f"{', '.join(sorted(hosts))}"
        )


def _check_candidate(candidate: str, hosts: Collection[str]) -> None:
    parts = candidate.split()
    if not 1 <= len(parts) <= 2:
        raise _Refused(f"srcset {candidate[:60]!r} is not an address and a width")
    _check_address(parts[0], hosts, is_link=False)


def _check_meta(target: Compound) -> None:
    is_named = any(
        condition.name in {"name", "property"} and condition.operator == "="
        for condition in target.conditions
    )
    if target.tag != "meta" or not is_named:
        raise _Refused(
            'content may be set only of meta[name="…"] or meta[property="…"]'
        )


def _check_kept(target: Compound) -> None:
    if target.tag in STRUCTURE:
        raise _Refused(f"<{target.tag}> may not be removed or its contents replaced")
