"""Typed change operations as the DOM mutations that GrowthBook's browser client makes.

Not every change can be one: the client removes no element, and counts none before it
begins. Such a change is for rewriters that can, and its test no automatic experiment.
"""

from collections.abc import Iterable
from html import escape
from typing import Any

from code24 import selectors
from code24.changes import UNTOUCHABLE
from code24.contracts.change import AddClass, AnyOperation, Attribute, Change, Text

_GUARD = "".join(f":not({tag})" for tag in sorted(UNTOUCHABLE))
"""What runs or loads is left alone, whatever a selector without a tag finds."""


def is_expressible(change: Change) -> bool:
    """Say whether the browser client can make the whole of a change."""
    kinds = (Text, Attribute, AddClass)
    return not change.requires and all(isinstance(op, kinds) for op in change.ops)


def mutations(changes: Iterable[Change]) -> list[dict[str, Any]]:
    """Return the mutations of expressible changes, in order."""
    return [_mutation(operation) for change in changes for operation in change.ops]


def _mutation(operation: AnyOperation) -> dict[str, Any]:
    selector = _guarded(operation.sel)
    match operation:
        case Text(value=value):
            return _set(selector, "html", escape(value, quote=False))
        case Attribute(name=name, value=value):
            return _set(selector, name, value)
        case AddClass(value=value):
            told = {"selector": selector, "action": "append"}
            return {**told, "attribute": "class", "value": value}
    raise TypeError(f"{type(operation).__name__} is no mutation")


def _set(selector: str, attribute: str, value: str) -> dict[str, Any]:
    told = {"selector": selector, "action": "set"}
    return {**told, "attribute": attribute, "value": value}


def _guarded(selector: str) -> str:
    target = selectors.parse(selector)[-1]
    return selector if target.tag is not None else f"{selector}{_GUARD}"
