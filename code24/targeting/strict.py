"""Conditions at the door: of the common part alone, and in a form all clients share.

Clients convert differently: JavaScript's reads "5" as 5 and nothing as 0, Python's does
neither. So what is served has no conversion in it: ``strict`` asks for the type first.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from code24.contracts.wire import encode
from code24.targeting import patterns
from code24.targeting.conditions import Condition, is_operators
from code24.targeting.ecmascript import kind_of

DEEPEST = 10
"""How deep conditions may nest. Range 3 to 50: clients recurse."""
LARGEST_BYTES = 16 * 1024
"""Of one condition, encoded; longer lists are saved groups."""
KINDS = frozenset(("string", "number", "boolean", "array", "object", "null"))
_INHERITED = frozenset(
    (
        *("__proto__", "constructor", "hasOwnProperty", "isPrototypeOf"),
        *("propertyIsEnumerable", "toLocaleString", "toString", "valueOf"),
    )
)
"""What every object of JavaScript has, so that a path to it finds something."""
_ORDERED = frozenset(("$lt", "$lte", "$gt", "$gte"))
_VERSIONS = ("$veq", "$vlt", "$vlte", "$vgt", "$vgte")
_TEXTS = frozenset((*_VERSIONS, "$regex", "$regexi"))


def check(condition: Condition) -> None:
    """Pass a condition that every client reads alike.

    Raises:
        ValueError: it is too large or too deep, names an unknown operator, or gives an
            operator what it cannot take; says where.
    """
    size = len(encode(condition))
    if size > LARGEST_BYTES:
        raise ValueError(
            f"condition of {size:,} bytes: at most {LARGEST_BYTES:,}; keep long lists "
            "in a saved group"
        )
    _check(condition, "condition", 0)


def strict(condition: Condition) -> dict[str, Any]:
    """Return a checked condition in the form in which no client converts a value.

    Equality asks for the same type; an order, a version or a pattern holds only for a
    number or text such as it names. What is absent equals null alone.
    """
    return {key: _strict(key, value) for key, value in condition.items()}


def groups_in(condition: Any) -> set[str]:
    """Return the ids of the saved groups that a checked condition refers to."""
    if isinstance(condition, list | tuple):
        return {name for one in condition for name in groups_in(one)}
    if not isinstance(condition, Mapping):
        return set()
    found = {name for one in condition.values() for name in groups_in(one)}
    named = [condition.get(key) for key in ("$inGroup", "$notInGroup")]
    reference = condition.get("$savedGroup")
    named.append(reference.get("id") if isinstance(reference, Mapping) else None)
    return found | {name for name in named if isinstance(name, str)}


def _strict(key: str, value: Any) -> Any:
    if key in {"$or", "$nor", "$and"}:
        return [strict(one) for one in value]
    if key == "$not":
        return strict(value)
    return value if key == "$savedGroup" else _strict_value(value)


def _strict_value(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return value
    if not isinstance(value, Mapping):
        return {"$eq": value}
    found = {name: _strict_operand(name, what) for name, what in value.items()}
    unequal = found.pop("$vne", None)
    if unequal is not None:
        found["$not"] = {"$type": "string", "$veq": unequal}
    kind = _kind_needed(value)
    return found if kind is None else {"$type": kind, **found}


def _strict_operand(name: str, value: Any) -> Any:
    if name in {"$not", "$size"}:
        return _strict_value(value)
    if name == "$elemMatch":
        return _strict_value(value) if is_operators(value) else strict(value)
    if name == "$all":
        return [_strict_value(one) for one in value]
    return value


def _kind_needed(operators: Mapping[str, Any]) -> str | None:
    """Return the type that these operators are about; none where they are of any."""
    kinds = {
        "string" if name in _TEXTS else kind_of(operand)
        for name, operand in operators.items()
        if name in _TEXTS or name in _ORDERED
    }
    if len(kinds) > 1:
        raise ValueError(f"{' and '.join(sorted(operators))} are of different types")
    return next(iter(kinds), None)


def _check(condition: Any, where: str, depth: int) -> None:
    if not isinstance(condition, Mapping):
        raise ValueError(f"{where}: must be an object")  # noqa: TRY004 - a contract's
    if depth > DEEPEST:
        raise ValueError(f"{where}: nested more than {DEEPEST} deep")
    for key, value in condition.items():
        _check_entry(key, value, f"{where}.{key}", depth + 1)


def _check_entry(key: str, value: Any, where: str, depth: int) -> None:
    if key in {"$or", "$nor", "$and"}:
        for at, one in enumerate(_listed(value, where)):
            _check(one, f"{where}[{at}]", depth)
    elif key == "$not":
        _check(value, where, depth)
    elif key == "$savedGroup":
        _check_reference(value, where)
    else:
        _check_path(key, where)
        _check_value(value, where, depth)


def _check_path(path: str, where: str) -> None:
    parts = path.split(".")
    if path.startswith("$") or not all(parts) or not _INHERITED.isdisjoint(parts):
        raise ValueError(f"{where}: {path!r} is neither an attribute nor an operator")


def _check_reference(value: Any, where: str) -> None:
    is_sound = isinstance(value, Mapping) and value.keys() <= {"id", "attributeKey"}
    if not is_sound or not isinstance(value.get("id"), str):
        raise ValueError(f"{where}: must be an object with the id of a saved group")
    if "attributeKey" in value:
        _check_text(value["attributeKey"], where)


def _check_value(value: Any, where: str, depth: int) -> None:
    if not isinstance(value, Mapping):
        _check_plain(value, where)
        return
    if not is_operators(value):
        raise ValueError(
            f"{where}: an object must hold operators; name its fields with dots"
        )
    if depth > DEEPEST:
        raise ValueError(f"{where}: nested more than {DEEPEST} deep")
    for name, operand in value.items():
        checking = _CHECKS.get(name)
        if checking is None:
            raise ValueError(f"{where}: operator {name!r} is unknown")
        checking(operand, f"{where}.{name}", depth + 1)
    _check_kinds(value, where)


def _check_kinds(operators: Mapping[str, Any], where: str) -> None:
    try:
        kind = _kind_needed(operators)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    if kind is not None and operators.get("$type", kind) != kind:
        raise ValueError(f"{where}: can hold for nobody, as it is about a {kind}")
    if {"$vne", "$not"} <= operators.keys():
        raise ValueError(f"{where}: $vne beside $not; write them apart, with $and")


def _check_plain(value: Any, where: str) -> None:
    """Pass a scalar, or a list of scalars."""
    for one in value if isinstance(value, list | tuple) else (value,):
        _check_scalar(one, where)


def _check_scalar(value: Any, where: str, _depth: int = 0) -> None:
    if kind_of(value) in {"array", "object"}:
        raise ValueError(f"{where}: must be text, a number, true, false or null")


def _check_ordered(value: Any, where: str, _depth: int) -> None:
    if kind_of(value) not in {"number", "string"}:
        raise ValueError(f"{where}: must be a number or text")


def _check_text(value: Any, where: str, _depth: int = 0) -> None:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{where}: must be text")


def _check_flag(value: Any, where: str, _depth: int) -> None:
    if not isinstance(value, bool):
        raise ValueError(f"{where}: must be true or false")  # noqa: TRY004


def _check_list(value: Any, where: str, _depth: int) -> None:
    for one in _listed(value, where):
        _check_scalar(one, where)


def _check_texts(value: Any, where: str, _depth: int) -> None:
    for one in _listed(value, where):
        _check_text(one, where)


def _check_all(value: Any, where: str, depth: int) -> None:
    for at, one in enumerate(_listed(value, where)):
        if isinstance(one, list | tuple):
            raise ValueError(f"{where}[{at}]: must not be a list")  # noqa: TRY004
        _check_value(one, f"{where}[{at}]", depth)


def _check_size(value: Any, where: str, depth: int) -> None:
    if isinstance(value, Mapping):
        _check_value(value, where, depth)
    elif kind_of(value) != "number":
        raise ValueError(f"{where}: must be a number, or operators on one")


def _check_operators(value: Any, where: str, depth: int) -> None:
    if not is_operators(value):
        raise ValueError(f"{where}: must be an object of operators")
    _check_value(value, where, depth)


def _check_element(value: Any, where: str, depth: int) -> None:
    if is_operators(value):
        _check_value(value, where, depth)
    else:
        _check(value, where, depth)


def _check_pattern(value: Any, where: str, _depth: int) -> None:
    _check_text(value, where)
    try:
        patterns.check(value)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def _check_kind(value: Any, where: str, _depth: int) -> None:
    if value not in KINDS:
        raise ValueError(f"{where}: must be one of {', '.join(sorted(KINDS))}")


def _listed(value: Any, where: str) -> Sequence[Any]:
    if not isinstance(value, list | tuple):
        raise ValueError(f"{where}: must be a list")  # noqa: TRY004 - a contract's
    return value


_CHECKS: dict[str, Callable[[Any, str, int], None]] = {
    "$eq": _check_scalar,
    "$ne": _check_scalar,
    **dict.fromkeys(_ORDERED, _check_ordered),
    **dict.fromkeys((*_VERSIONS, "$vne", "$inGroup", "$notInGroup"), _check_text),
    "$exists": _check_flag,
    **dict.fromkeys(("$in", "$nin", "$ini", "$nini"), _check_list),
    "$all": _check_all,
    "$alli": _check_texts,
    "$not": _check_operators,
    "$size": _check_size,
    "$elemMatch": _check_element,
    "$regex": _check_pattern,
    "$regexi": _check_pattern,
    "$type": _check_kind,
}
