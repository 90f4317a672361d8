"""A change of a page as data: a closed set of typed operations."""

from typing import Any

import msgspec

from code24.contracts.wire import Contract, Identifier


class Operation(
    Contract, tag_field="op", forbid_unknown_fields=True, frozen=True, kw_only=True
):
    """One step of a change; ``sel`` is a CSS selector both rewriters understand."""

    sel: str


class Text(Operation, frozen=True, kw_only=True, tag="text"):
    """Replace the text inside the elements; escaped where it is written."""

    value: str


class Attribute(Operation, frozen=True, kw_only=True, tag="attr"):
    """Set one attribute; handlers and unsafe addresses are refused."""

    name: str
    value: str


class AddClass(Operation, frozen=True, kw_only=True, tag="class.add"):
    """Add one class."""

    value: str


class Remove(Operation, frozen=True, kw_only=True, tag="remove"):
    """Remove the elements."""


AnyOperation = Text | Attribute | AddClass | Remove


class Match(Contract, frozen=True, kw_only=True):
    """The pages a change is for; ``path`` may hold ``*``."""

    host: str
    path: str = "*"


class Change(Contract, frozen=True, kw_only=True):
    """Operations on the pages that match, and where they come from."""

    id: Identifier
    match: Match
    ops: tuple[AnyOperation, ...]
    v: int = 1
    requires: dict[str, int] = msgspec.field(default_factory=dict)
    """Selector → how many elements it must find; a page that differs is left alone."""
    provenance: dict[str, Any] = msgspec.field(default_factory=dict)
