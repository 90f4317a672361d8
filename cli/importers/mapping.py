"""A mapping file: which column of a table is which field of an event.

TOML or JSON; docs/importing.md has examples.
"""

import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec

from cli.importers import moments
from cli.importers.importer import ImportFileError
from code24.contracts.event import EventFields
from code24.contracts.wire import GoalType

SUFFIXES = (".mapping.toml", ".mapping.json")
FIELDS = frozenset(
    {"visitorId", *(one.encode_name for one in msgspec.structs.fields(EventFields))}
) - {"metadata"}
UNIX = {"unix": 1, "unix_ms": 1_000, "unix_us": 1_000_000}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Time(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How times are written."""

    format: str = "iso"
    """``iso``, ``unix``, ``unix_ms``, ``unix_us``, or a format of ``strptime``."""
    zone: str = "UTC"
    """The zone of times that name none, as in ``Europe/Berlin``."""


class Value(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How amounts are written."""

    decimal: Literal[".", ","] = "."
    """The mark before the fraction; the other one, spaces and signs are left out."""
    factor: float = 1.0
    """What the amount is multiplied by: 0.01 where the table has cents."""


class Goals(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Which rows are conversions, by a column's value; the others are interactions."""

    column: str
    values: dict[str, GoalType]


class Mapping(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The mapping as the file has it."""

    fields: dict[str, str]
    """A field of the event → the column that holds it."""
    constants: dict[str, str | float] = {}
    """A field of the event → what it is in every row."""
    metadata: dict[str, str] = {}
    """A field of the metadata → the column that holds it."""
    time: Time = Time()
    value: Value = Value()
    goals: Goals | None = None
    delimiter: str = ","

    @property
    def columns(self) -> set[str]:
        """Return the columns that the table must have."""
        goal = {self.goals.column} if self.goals else set()
        return {*self.fields.values(), *self.metadata.values(), *goal}


def beside(path: Path) -> Path | None:
    """Return the mapping that lies beside a table: ``orders.csv.mapping.toml``."""
    stems = (path.name, path.name.partition(".")[0])
    found = (path.with_name(stem + end) for stem in stems for end in SUFFIXES)
    return next((one for one in found if one.is_file()), None)


def load(path: Path) -> Mapping:
    """Read a mapping file.

    Raises:
        ImportFileError: it cannot be read, or maps what there is not; says where.
    """
    try:
        data = path.read_bytes()
        if path.suffix == ".json":
            document = msgspec.json.decode(data)
        else:
            document = tomllib.loads(data.decode())
        mapping = msgspec.convert(document, Mapping)
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        raise ImportFileError(f"{path}: is no mapping: {error}") from error
    fault = _fault(mapping)
    if fault:
        raise ImportFileError(f"{path}: {fault}")
    return mapping


def moment(mapping: Mapping, text: Any) -> str:
    """Return a row's time with its zone.

    Raises:
        ValueError: it is not written as the mapping says.
    """
    form = mapping.time.format
    if form in UNIX:
        seconds = float(text) / UNIX[form]
        return (EPOCH + timedelta(seconds=seconds)).isoformat()
    if form == "iso" and isinstance(text, str):
        found = datetime.fromisoformat(text.strip().replace(" UTC", "+00:00"))
    elif form == "iso":
        found = moments.moment(text).replace(tzinfo=getattr(text, "tzinfo", None))
    else:
        found = datetime.strptime(str(text).strip(), form)  # noqa: DTZ007 - set below
    if found.tzinfo is None:
        found = found.replace(tzinfo=ZoneInfo(mapping.time.zone))
    return found.isoformat()


def amount(mapping: Mapping, value: Any) -> float:
    """Return a row's amount.

    Raises:
        ValueError: it is not written as the mapping says.
    """
    if isinstance(value, str):
        other = "," if mapping.value.decimal == "." else "."
        kept = value.replace(other, "").replace("\u00a0", "").replace(" ", "")
        value = kept.strip("€$£").replace(",", ".")
    return round(float(value) * mapping.value.factor, 6)


def _fault(mapping: Mapping) -> str | None:
    """Return the first thing in the mapping that cannot be meant."""
    given = {*mapping.fields, *mapping.constants}
    unknown = sorted(given - FIELDS)
    if unknown:
        known = ", ".join(sorted(FIELDS))
        return f"{', '.join(unknown)}: no field of an event; there are {known}"
    twice = sorted(mapping.fields.keys() & mapping.constants.keys())
    if twice:
        return f"{', '.join(twice)}: stands in fields and in constants"
    missing = sorted({"timestamp", "visitorId"} - given)
    if missing:
        return f"{', '.join(missing)}: must be in fields"
    if "eventType" not in given and mapping.goals is None:
        return "eventType: must be in fields or constants, where there are no goals"
    return _fault_of_forms(mapping)


def _fault_of_forms(mapping: Mapping) -> str | None:
    if len(mapping.delimiter) != 1:
        return f"delimiter {mapping.delimiter!r}: must be one character"
    try:
        ZoneInfo(mapping.time.zone)
    except (ValueError, OSError, LookupError):
        return f"time.zone {mapping.time.zone!r}: must be as in Europe/Berlin"
    form = mapping.time.format
    if form not in {"iso", *UNIX} and "%" not in form:
        return f"time.format {form!r}: must be iso, {', '.join(UNIX)} or as %Y-%m-%d"
    return None


def goal(mapping: Mapping, row: dict[str, Any]) -> GoalType | None:
    """Return the goal that a row reaches by the mapping's goals; none of the others."""
    if mapping.goals is None:
        return None
    value = str(row[mapping.goals.column]).strip()
    return mapping.goals.values.get(value)
