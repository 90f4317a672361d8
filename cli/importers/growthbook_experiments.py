"""Finished experiments of GrowthBook, as its API gives them.

Each line is one object with the answers of ``GET /api/v1/experiments/{id}`` (field
``experiment``) and ``GET /api/v1/experiments/{id}/results`` (field ``result``). Only
counts are taken: users and, of one proportion metric, how many converted.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, get_args

import msgspec

from cli.importers import objects
from cli.importers.importer import (
    ImportFileError,
    ImportItem,
    Request,
    SkippedRow,
    required_site,
)
from code24.contracts.experiment import PastExperiment
from code24.contracts.wire import GoalType

WHOLE = ("", "All", "none")
"""What a result that is split by no dimension calls itself."""


class Wanted(NamedTuple):
    """What the caller says of experiments, which do not say it themselves."""

    site_id: str
    source: str
    metric: str | None
    test_type: str
    goal_type: str


class GrowthBookExperiments:
    """An experiment a line; unfinished ones are skipped, unsound ones refused whole."""

    name = "growthbook"
    about = "GrowthBook's finished experiments with results (JSON lines, from its API)"
    options: Mapping[str, str] = {
        "metric": "the id of a proportion metric (each experiment's first goal)",
        "kind": "the kind of change of these tests (experiment)",
        "goal": "what converting means (sales)",
    }

    def sniff(self, path: Path) -> bool:
        """Say whether the lines hold an experiment and its result."""
        return objects.any_has(objects.first(path), "experiment", "result")

    def read(self, path: Path, request: Request) -> Iterator[ImportItem]:
        """Yield a past experiment for each that was stopped and has results."""
        goal = request.options.get("goal", "sales")
        if goal not in get_args(GoalType):
            raise ImportFileError(
                f"--option goal={goal}: must be one of {', '.join(get_args(GoalType))}"
            )
        wanted = Wanted(
            required_site(request, path),
            path.name,
            request.options.get("metric"),
            request.options.get("kind", "experiment"),
            goal,
        )
        yield from objects.read(path, request.meter, partial(_items, wanted))


def _items(wanted: Wanted, _source: str, row: dict[str, Any]) -> Iterator[ImportItem]:
    experiment, result = row["experiment"], row["result"]
    if experiment["status"] != "stopped":
        yield SkippedRow("not stopped")
        return
    if result["experimentId"] != experiment["id"]:
        raise ValueError(
            f"the result is of {result['experimentId']!r}, the experiment is "
            f"{experiment['id']!r}"
        )
    document = {
        "siteId": wanted.site_id,
        "experimentId": experiment["id"],
        "testType": wanted.test_type,
        "goalType": wanted.goal_type,
        "endedAt": _ended_at(experiment, result),
        "source": wanted.source,
        "variants": _variants(experiment, _metric(wanted, experiment, result)),
    }
    yield msgspec.convert(document, PastExperiment)


def _ended_at(experiment: dict[str, Any], result: dict[str, Any]) -> datetime:
    """Return the end of the last phase; where it is empty, that of the results."""
    phases = experiment.get("phases") or [{}]
    text = phases[-1].get("dateEnded") or result["dateEnd"]
    return datetime.fromisoformat(text)


def _metric(
    wanted: Wanted, experiment: dict[str, Any], result: dict[str, Any]
) -> dict[str, Any]:
    """Return what the result says of the metric, over all users."""
    name = wanted.metric or _first_goal(experiment)
    whole = [each for each in result["results"] if each["dimension"] in WHOLE]
    if len(whole) != 1:
        raise ValueError("the result is split by a dimension: fetch it without one")
    found = [each for each in whole[0]["metrics"] if each["metricId"] == name]
    if not found:
        raise ValueError(f"the result has no metric {name!r}: add --option metric=ID")
    metric: dict[str, Any] = found[0]
    return metric


def _first_goal(experiment: dict[str, Any]) -> str:
    goals = experiment.get("settings", {}).get("goals") or []
    if not goals:
        raise ValueError("the experiment has no goal: add --option metric=ID")
    return str(goals[0]["metricId"])


def _variants(
    experiment: dict[str, Any], metric: dict[str, Any]
) -> list[dict[str, Any]]:
    """Return the counts in the order of the experiment, its control first."""
    counts = {each["variationId"]: each for each in metric["variations"]}
    names = [each["variationId"] for each in experiment["variations"]]
    if set(names) != set(counts):
        raise ValueError(
            f"the result is of the variations {sorted(counts)}, the experiment has "
            f"{sorted(names)}"
        )
    return [_variant(name, counts[name]) for name in names]


def _variant(name: str, told: dict[str, Any]) -> dict[str, Any]:
    if not told["analyses"]:
        raise ValueError(f"variation {name!r} has no analysis yet")
    return {
        "variantId": name,
        "units": _count(name, "users", told["users"]),
        "conversions": _count(name, "numerator", told["analyses"][0]["numerator"]),
    }


def _count(variation: str, field: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or value % 1:
        raise ValueError(
            f"variation {variation!r}: {field} is {value!r} and no count; the metric "
            "must be a proportion"
        )
    return int(value)


IMPORTER = GrowthBookExperiments()
