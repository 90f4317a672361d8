"""An experiment as a table with a row a unit: who got what, and who converted."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple, cast, get_args

from cli.importers import tables
from cli.importers.importer import (
    EventRow,
    ImportFileError,
    ImportItem,
    Request,
    required_option,
    required_site,
)
from code24.contracts.experiment import Experiment, Variant
from code24.contracts.wire import GoalType
from code24.personal import unit_of

TRUE = frozenset({"1", "1.0", "true", "t", "yes", "y"})
FALSE = frozenset({"0", "0.0", "false", "f", "no", "n", ""})
AFTER = timedelta(seconds=1)
"""A conversion stands so long after its exposure: tables rarely say when it was."""


class Plan(NamedTuple):
    """How the table is to be read."""

    site_id: str
    pseudonym: Callable[[str], str]
    test_id: str
    goal_type: GoalType
    unit: str
    variant: str
    converted: str
    seen: str | None
    time: str | None
    start: datetime
    variants: dict[str, str]
    """A value of the variant column → its variant id; the first is the control."""
    seen_as: dict[str, str]
    """A value of the ``seen`` column → the variant id it belongs to."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns that are read."""
        optional = (name for name in (self.seen, self.time) if name)
        return (self.unit, self.variant, self.converted, *optional)


class AbTable:
    """Each row an exposure, and a conversion where it says so.

    A row that says that a unit saw something else than it was assigned is no
    evidence of either: a dead letter. A unit that stands in two rows is exposed
    twice and counted once.
    """

    name = "ab-csv"
    about = "One experiment (CSV or Parquet, a row a unit): exposures and conversions"
    options: Mapping[str, str] = {
        "unit": "the column of the unit's id",
        "variant": "the column of the variant it was assigned",
        "converted": "the column that says whether it converted (0/1, true/false)",
        "variants": "the values of the variant column, control first: a,b; "
        "where seen is given, each with what it sees: a:old,b:new",
        "seen": "the column of what it saw, where that may differ (none)",
        "time": "the column of the time, UTC (none: all at start)",
        "start": "the time of rows without one (2000-01-01)",
        "test": "the test's id (the file's name)",
        "goal": "what converting means (traffic)",
    }

    def sniff(self, path: Path) -> bool:
        """Never: such a table is known by its options alone."""
        del path
        return False

    def read(self, path: Path, request: Request) -> Iterator[ImportItem]:
        """Yield the test, then each row's events."""
        plan = _plan(path, request)
        yield _definition(plan)
        for row in tables.read(path, plan.columns, request.meter):
            yield from _items(plan, row)


def _plan(path: Path, request: Request) -> Plan:
    options = request.options
    seen = options.get("seen")
    pairs = [
        pair.partition(":")
        for pair in required_option(request, "variants", path).split(",")
    ]
    if seen and not all(saw for _, _, saw in pairs):
        raise ImportFileError(
            f"{path}: --option variants={options['variants']}: with --option seen, "
            "name what each variant sees, as in control:old_page,treatment:new_page"
        )
    return Plan(
        site_id=(site_id := required_site(request, path)),
        pseudonym=request.pseudonym(site_id),
        test_id=_slug(options.get("test") or path.stem),
        goal_type=_goal(options.get("goal", "traffic")),
        unit=required_option(request, "unit", path),
        variant=required_option(request, "variant", path),
        converted=required_option(request, "converted", path),
        seen=seen,
        time=options.get("time"),
        start=_start(options.get("start", "2000-01-01")),
        variants={value: _slug(value) for value, _, _ in pairs},
        seen_as={saw: _slug(value) for value, _, saw in pairs},
    )


def _start(text: str) -> datetime:
    try:
        return _time(text)
    except ValueError as error:
        raise ImportFileError(
            f"--option start={text}: must be a date or time, as in 2017-01-31"
        ) from error


def _goal(name: str) -> GoalType:
    if name not in get_args(GoalType):
        raise ImportFileError(
            f"--option goal={name}: must be one of {', '.join(get_args(GoalType))}"
        )
    return cast("GoalType", name)


def _definition(plan: Plan) -> Experiment:
    try:
        return Experiment(
            test_id=plan.test_id,
            site_id=plan.site_id,
            test_type="table",
            goal_type=plan.goal_type,
            variants=tuple(
                Variant(variant_id=variant_id, name=value)
                for value, variant_id in plan.variants.items()
            ),
            traffic_split=(1 / len(plan.variants),) * len(plan.variants),
            status="running",
        )
    except ValueError as error:
        raise ImportFileError(f"--option variants: {error}") from error


def _items(plan: Plan, row: tables.Row) -> Iterator[ImportItem]:
    if row.problem is not None:
        yield row.bad(row.problem)
        return
    try:
        events = list(_events(plan, row.fields))
    except (ValueError, TypeError) as error:
        shown = {name: row.fields[name] for name in plan.columns}
        yield row._replace(fields=shown).bad(f"invalid: {error}")
        return
    for event in events:
        yield EventRow(event, row.source)


def _events(plan: Plan, row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    tables.check_text(row)
    if row[plan.unit] in (None, ""):
        raise ValueError(f"{plan.unit} is empty")
    unit = unit_of(str(row[plan.unit]), plan.pseudonym)
    at = _time(row[plan.time]) if plan.time else plan.start
    assigned = _variant(plan.variants, plan.variant, row)
    if plan.seen and _variant(plan.seen_as, plan.seen, row) != assigned:
        raise ValueError(
            f"{plan.seen}={row[plan.seen]!r} contradicts "
            f"{plan.variant}={row[plan.variant]!r}"
        )
    yield _exposure(plan, unit, at, assigned)
    if _is_true(row[plan.converted], plan.converted):
        yield _event(plan, unit, at + AFTER) | {
            "eventType": "conversion",
            "goalType": plan.goal_type,
        }


def _exposure(plan: Plan, unit: str, at: datetime, variant_id: str) -> dict[str, Any]:
    return _event(plan, unit, at) | {
        "eventType": "interaction",
        "metadata": {
            "name": "experiment_viewed",
            "experimentId": plan.test_id,
            "variationId": variant_id,
            "unitId": unit,
        },
    }


def _event(plan: Plan, unit: str, at: datetime) -> dict[str, Any]:
    return {
        "siteId": plan.site_id,
        "visitorId": unit,
        "timestamp": at.isoformat(),
    }


def _variant(names: dict[str, str], column: str, row: dict[str, Any]) -> str:
    value = str(row[column])
    if value not in names:
        raise ValueError(f"{column}={value!r} is none of {', '.join(names)}")
    return names[value]


def _is_true(value: Any, column: str) -> bool:
    text = str(value).strip().lower()
    if text not in TRUE | FALSE:
        raise ValueError(f"{column}={value!r} is neither true nor false")
    return text in TRUE


def _time(value: Any) -> datetime:
    """Read a time; without a zone it is UTC."""
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9_-]+", "-", text.strip().lower()).strip("-_")[:63]


IMPORTER = AbTable()
