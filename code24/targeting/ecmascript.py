"""Values as ECMAScript converts and compares them, as the reference client is in it.

Values are those of JSON: null, booleans, numbers, strings, arrays and objects
(https://tc39.es/ecma262, sections 6 and 7). All numbers are doubles there.
"""

import json
import math
import re
from typing import Any

_DECIMAL = re.compile(
    r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII
)
_BASED = re.compile(r"0(?:[xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)", re.ASCII)
_INFINITIES = frozenset(("Infinity", "+Infinity", "-Infinity"))
_SPACE = "\t\n\v\f\r \xa0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + "".join(
    map(chr, range(0x2000, 0x200B))
)


def kind_of(value: Any) -> str:
    """Return what ``$type`` calls the value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list | tuple) else "object"


def is_truthy(value: Any) -> bool:
    """Return ``Boolean(value)``: containers are true, however empty."""
    if isinstance(value, list | tuple | dict):
        return True
    return bool(value) and value == value  # noqa: PLR0124 - NaN is false


def is_identical(a: Any, b: Any) -> bool:
    """Return ``a === b`` of values of different documents: containers never are."""
    kind = kind_of(a)
    if kind != kind_of(b) or kind in {"array", "object"}:
        return False
    return bool(a == b)


def text_of(value: Any) -> str:
    """Return ``String(value)``."""
    if isinstance(value, str):
        return value
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return number_text(value)
    if isinstance(value, list | tuple):
        return ",".join("" if item is None else text_of(item) for item in value)
    return "[object Object]"


def number_text(value: float) -> str:
    """Return a number's text: the shortest digits, plain from 1e-6 to below 1e21."""
    number = _double(value)
    if math.isnan(number):
        return "NaN"
    if number == 0:
        return "0"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    sign = "-" if number < 0 else ""
    return sign + _laid_out(*_digits(abs(number)))


def number_of(value: Any) -> float:
    """Return ``Number(value)``; NaN where it is none."""
    if value is None:
        return 0.0
    if isinstance(value, int | float):
        return _double(value)
    return _number_in(text_of(value).strip(_SPACE))


def _number_in(text: str) -> float:
    if _BASED.fullmatch(text):
        return _double(int(text, 0))
    if _DECIMAL.fullmatch(text) or text in _INFINITIES:
        return float(text)
    return math.nan if text else 0.0


def is_less(a: Any, b: Any) -> bool:
    """Return ``a < b``: strings by UTF-16 unit, all else as numbers."""
    a, b = _primitive(a), _primitive(b)
    if isinstance(a, str) and isinstance(b, str):
        return _units(a) < _units(b)
    return number_of(a) < number_of(b)


def is_at_most(a: Any, b: Any) -> bool:
    """Return ``a <= b``."""
    a, b = _primitive(a), _primitive(b)
    if isinstance(a, str) and isinstance(b, str):
        return _units(a) <= _units(b)
    return number_of(a) <= number_of(b)


def written(value: Any) -> str:
    """Return ``JSON.stringify(value)``: equal where values are, keys in order."""
    if isinstance(value, dict):
        pairs = (f"{written(str(key))}:{written(item)}" for key, item in value.items())
        return f"{{{','.join(pairs)}}}"
    if isinstance(value, list | tuple):
        return f"[{','.join(map(written, value))}]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return text_of(value)


def _primitive(value: Any) -> Any:
    return text_of(value) if isinstance(value, list | tuple | dict) else value


def _units(text: str) -> bytes:
    return text.encode("utf-16-be", "surrogatepass")


def _double(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def _digits(number: float) -> tuple[str, int]:
    """Return the digits d and the exponent n of 0.d times ten to the n."""
    mantissa, _, exponent = repr(number).partition("e")
    whole, _, fraction = mantissa.partition(".")
    padded = (whole + fraction).lstrip("0")
    return padded.rstrip("0"), int(exponent or "0") - len(fraction) + len(padded)


def _laid_out(digits: str, n: int) -> str:
    count = len(digits)
    if count <= n <= 21:
        return digits + "0" * (n - count)
    if 0 < n <= 21:
        return f"{digits[:n]}.{digits[n:]}"
    if -6 < n <= 0:
        return f"0.{'0' * -n}{digits}"
    fraction = f".{digits[1:]}" if count > 1 else ""
    return f"{digits[0]}{fraction}e{'+' if n > 0 else '-'}{abs(n - 1)}"
