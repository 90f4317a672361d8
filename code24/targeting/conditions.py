"""Conditions on attributes: MongoDB's form, GrowthBook's rules.

As the reference client reads them, with its conversions: ``{"age": 5}`` holds for "5".
Tests are served in the form of ``strict``, in which no client converts anything.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from code24.targeting import ecmascript as js
from code24.targeting import patterns

Condition = Mapping[str, Any]
Groups = Mapping[str, Any]
"""Saved groups by id: a list of values, or a typed group."""

_BUILD = re.compile(r"^v|\+.*\Z")
_NUMERIC = re.compile(r"[0-9]+", re.ASCII)
_DIGITS = 5
"""Width to which the numbers of a version are padded."""


@dataclass(frozen=True, slots=True)
class _Scope:
    groups: Groups
    visited: frozenset[str] = field(default=frozenset())
    """The saved groups being resolved: one that leads to itself holds for nobody."""


def holds(condition: Condition, attributes: Any, groups: Groups) -> bool:
    """Say whether a condition holds for somebody with these attributes.

    A condition that is none (a list where an object must be) holds for nobody.
    """
    try:
        return _holds(condition, attributes, _Scope(groups))
    except (AttributeError, TypeError, RecursionError):
        return False


def path_of(attributes: Any, path: str) -> Any:
    """Return what stands at a dotted path; null where nothing does."""
    current = attributes
    for part in path.split("."):
        if isinstance(current, Mapping) and part in current:
            current = current[part]
        elif isinstance(current, list | tuple):
            current = _of_array(current, part)
        else:
            return None
    return current


def _of_array(array: Sequence[Any], part: str) -> Any:
    if part == "length":
        return len(array)
    is_index = part.isdecimal() and part == str(int(part)) if len(part) < 10 else False
    return array[int(part)] if is_index and int(part) < len(array) else None


def _holds(condition: Condition, attributes: Any, scope: _Scope) -> bool:
    return all(
        _LOGIC[key](value, attributes, scope)
        if key in _LOGIC
        else _fits(value, path_of(attributes, key), scope)
        for key, value in condition.items()
    )


def _any(conditions: Sequence[Condition], attributes: Any, scope: _Scope) -> bool:
    return not conditions or any(_holds(one, attributes, scope) for one in conditions)


def _in_saved(reference: Any, attributes: Any, scope: _Scope) -> bool:
    """Say whether somebody is in a typed saved group."""
    if not isinstance(reference, Mapping):
        return False
    name = reference.get("id")
    if not isinstance(name, str) or name in scope.visited:
        return False
    group = scope.groups.get(name)
    if not isinstance(group, Mapping):
        return False
    if group.get("type") == "list":
        of_list = reference.get("attributeKey", group.get("attributeKey"))
        return _in_list(group.get("values"), of_list, attributes)
    condition = group.get("condition")
    if group.get("type") != "condition" or not isinstance(condition, Mapping):
        return False
    return _holds(condition, attributes, _Scope(scope.groups, scope.visited | {name}))


def _in_list(values: Any, path: Any, attributes: Any) -> bool:
    is_sound = isinstance(path, str) and isinstance(values, list | tuple)
    return is_sound and _is_in(path_of(attributes, path), values)


_LOGIC: dict[str, Callable[[Any, Any, _Scope], bool]] = {
    "$or": _any,
    "$nor": lambda conditions, of, scope: not _any(conditions, of, scope),
    "$and": lambda conditions, of, scope: all(
        _holds(one, of, scope) for one in conditions
    ),
    "$not": lambda condition, of, scope: not _holds(condition, of, scope),
    "$savedGroup": _in_saved,
}


def is_operators(value: Any) -> bool:
    """Say whether every key of an object is an operator."""
    return (
        isinstance(value, Mapping) and bool(value) and all(k[:1] == "$" for k in value)
    )


def _fits(wanted: Any, value: Any, scope: _Scope, *, is_folded: bool = False) -> bool:
    """Say whether one value is as wanted: equal, after conversion, or by operators."""
    if isinstance(wanted, str):
        text = js.text_of(value)
        return text.lower() == wanted.lower() if is_folded else text == wanted
    if isinstance(wanted, bool):
        return value is not None and js.is_truthy(value) is wanted
    if isinstance(wanted, int | float):
        return js.number_of(value) == js.number_of(wanted)
    if wanted is None:
        return value is None
    if not is_operators(wanted):
        return js.written(value) == js.written(wanted)
    return all(_operate(name, value, what, scope) for name, what in wanted.items())


def _operate(name: str, value: Any, wanted: Any, scope: _Scope) -> bool:
    operator = _OPERATORS.get(name)
    return operator is not None and operator(value, wanted, scope)


def _fold(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _as_it_is(value: Any) -> Any:
    return value


def _is_in(
    value: Any, values: Sequence[Any], fold: Callable[[Any], Any] = _as_it_is
) -> bool:
    """Say whether the value, or one of an array of them, is one of these."""
    if isinstance(value, str) and fold is _as_it_is:
        return value in values
    having = value if isinstance(value, list | tuple) else (value,)
    return any(js.is_identical(fold(a), fold(b)) for a in having for b in values)


def _among(value: Any, wanted: Any, *, is_folded: bool = False) -> bool | None:
    if not isinstance(wanted, list | tuple):
        return None
    return _is_in(value, wanted, _fold) if is_folded else _is_in(value, wanted)


def _in_group(value: Any, name: Any, scope: _Scope) -> bool | None:
    """Say whether the value is in a saved list; none where the group is no list.

    A group that is not there is an empty list.
    """
    group = scope.groups.get(name, ())
    if isinstance(group, Mapping) and group.get("type") == "list":
        group = group.get("values")
    return _among(value, group)


def _element(value: Any, wanted: Any, scope: _Scope) -> bool:
    if not isinstance(value, list | tuple):
        return False
    of_value = is_operators(wanted)
    return any(
        _fits(wanted, item, scope) if of_value else _holds(wanted, item, scope)
        for item in value
        if item is not None
    )


def _each(value: Any, wanted: Any, scope: _Scope, *, is_folded: bool = False) -> bool:
    if not isinstance(value, list | tuple) or not isinstance(wanted, list | tuple):
        return False
    return all(
        any(_fits(one, item, scope, is_folded=is_folded) for item in value)
        for one in wanted
    )


def _version(value: Any) -> bytes:
    """Return a version so that bytes compare as versions do."""
    if js.kind_of(value) == "number":
        value = js.text_of(value)
    text = value if isinstance(value, str) and value else "0"
    parts = re.split(r"[-.]", _BUILD.sub("", text))
    if len(parts) == 3:
        parts.append("~")
    padded = (p.rjust(_DIGITS) if _NUMERIC.fullmatch(p) else p for p in parts)
    return "-".join(padded).encode("utf-16-be", "surrogatepass")


def _size(value: Any, wanted: Any, scope: _Scope) -> bool:
    return isinstance(value, list | tuple) and _fits(wanted, len(value), scope)


def _exists(value: Any, wanted: Any, _scope: _Scope) -> bool:
    return (value is not None) is js.is_truthy(wanted)


_Operator = Callable[[Any, Any, _Scope], bool]
_OPERATORS: dict[str, _Operator] = {
    "$eq": lambda a, b, _: js.is_identical(a, b),
    "$ne": lambda a, b, _: not js.is_identical(a, b),
    "$lt": lambda a, b, _: js.is_less(a, b),
    "$lte": lambda a, b, _: js.is_at_most(a, b),
    "$gt": lambda a, b, _: js.is_less(b, a),
    "$gte": lambda a, b, _: js.is_at_most(b, a),
    "$veq": lambda a, b, _: _version(a) == _version(b),
    "$vne": lambda a, b, _: _version(a) != _version(b),
    "$vlt": lambda a, b, _: _version(a) < _version(b),
    "$vlte": lambda a, b, _: _version(a) <= _version(b),
    "$vgt": lambda a, b, _: _version(a) > _version(b),
    "$vgte": lambda a, b, _: _version(a) >= _version(b),
    "$exists": _exists,
    "$in": lambda a, b, _: _among(a, b) is True,
    "$nin": lambda a, b, _: _among(a, b) is False,
    "$ini": lambda a, b, _: _among(a, b, is_folded=True) is True,
    "$nini": lambda a, b, _: _among(a, b, is_folded=True) is False,
    "$inGroup": lambda a, b, scope: _in_group(a, b, scope) is True,
    "$notInGroup": lambda a, b, scope: _in_group(a, b, scope) is False,
    "$not": lambda a, b, scope: not _fits(b, a, scope),
    "$size": _size,
    "$elemMatch": _element,
    "$all": _each,
    "$alli": lambda a, b, scope: _each(a, b, scope, is_folded=True),
    "$regex": lambda a, b, _: patterns.finds(b, js.text_of(a)),
    "$regexi": lambda a, b, _: patterns.finds(b, js.text_of(a), is_insensitive=True),
    "$type": lambda a, b, _: js.kind_of(a) == b,
}
