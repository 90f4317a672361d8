"""GrowthBook's finished experiments, as its API describes them."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from cli.importers import registry, run_import
from cli.importers.growthbook_experiments import IMPORTER
from cli.importers.importer import ImportFileError, SkippedRow
from code24.contracts.experiment import PastExperiment
from code24.settings import Settings
from code24.state import experiments, open_state, sites
from models.priors.history import screen
from tests.cli.importers.reading import only, read, reasons


def answer(test_id: str = "exp_1", **changed: Any) -> dict[str, Any]:
    """Return both answers of the API about an experiment of two variations."""
    experiment = {
        "id": test_id,
        "name": "Shorter form",
        "status": "stopped",
        "variations": [
            {"variationId": "var_a", "key": "0", "name": "Control"},
            {"variationId": "var_b", "key": "1", "name": "Shorter"},
        ],
        "phases": [
            {"name": "Main", "dateEnded": "2026-03-02T10:00:00.000Z", "coverage": 1}
        ],
        "settings": {"goals": [{"metricId": "met_buy"}, {"metricId": "met_value"}]},
    }
    metrics = [
        metric("met_value", (1_000, 2_512.5), (1_010, 2_600.25)),
        metric("met_buy", (1_000, 100), (1_010, 131)),
    ]
    result = {
        "experimentId": test_id,
        "dateEnd": "2026-03-01T00:00:00.000Z",
        "dimension": {"type": "none"},
        "results": [{"dimension": "All", "totalUsers": 2_010, "metrics": metrics}],
    }
    return {"experiment": experiment | changed, "result": result}


def metric(name: str, *arms: tuple[int, float]) -> dict[str, Any]:
    """Return what a result says of a metric; the variant stands first."""
    told = [
        {
            "variationId": variation,
            "users": users,
            "analyses": [{"engine": "bayesian", "numerator": total}],
        }
        for variation, (users, total) in zip(("var_a", "var_b"), arms, strict=True)
    ]
    return {"metricId": name, "variations": told[::-1]}


def write(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return path


def test_a_stopped_experiment_is_known_by_its_lines_and_becomes_counts(
    tmp_path: Path,
) -> None:
    path = write(tmp_path / "any.jsonl", answer())

    assert [i.name for i, _ in registry.matched(path, None)] == ["growthbook"]
    (test,) = only(PastExperiment, read(IMPORTER, path))

    assert (test.experiment_id, test.site_id) == ("exp_1", "shop")
    assert (test.test_type, test.goal_type) == ("experiment", "sales")
    assert test.ended_at == datetime(2026, 3, 2, 10, tzinfo=UTC)
    counts = [(v.variant_id, v.units, v.conversions) for v in test.variants]
    assert counts == [("var_a", 1_000, 100), ("var_b", 1_010, 131)]


def test_options_say_what_the_api_does_not(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", answer())
    options = {"metric": "met_buy", "kind": "form", "goal": "leads"}

    (test,) = only(PastExperiment, read(IMPORTER, path, options=options))

    assert (test.test_type, test.goal_type) == ("form", "leads")
    with pytest.raises(ImportFileError, match="goal=money"):
        read(IMPORTER, path, options={"goal": "money"})


def test_a_phase_without_an_end_ends_with_its_results(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", answer(phases=[{"dateEnded": ""}]))
    (test,) = only(PastExperiment, read(IMPORTER, path))
    assert test.ended_at == datetime(2026, 3, 1, tzinfo=UTC)


def test_one_that_still_runs_is_skipped(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", answer(status="running"))
    assert read(IMPORTER, path) == [SkippedRow("not stopped")]


def _split(row: dict[str, Any]) -> None:
    row["result"]["results"][0]["dimension"] = "chrome"


def _other(row: dict[str, Any]) -> None:
    row["result"]["experimentId"] = "exp_2"


def _absent(row: dict[str, Any]) -> None:
    del row["result"]["results"][0]["metrics"][1]


def _value(row: dict[str, Any]) -> None:
    row["experiment"]["settings"]["goals"].reverse()


def _third(row: dict[str, Any]) -> None:
    row["experiment"]["variations"].append({"variationId": "var_c"})


def _impossible(row: dict[str, Any]) -> None:
    row["result"]["results"][0]["metrics"][1] = metric("met_buy", (9, 10), (9, 1))


def _nothing(row: dict[str, Any]) -> None:
    row["result"] = None


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (_split, "split by a dimension"),
        (_other, "the result is of 'exp_2'"),
        (_absent, "no metric 'met_buy'"),
        (_value, "must be a proportion"),
        (_third, "the experiment has"),
        (_impossible, "10 conversions of 9 units"),
        (_nothing, "invalid"),
    ],
)
def test_an_unsound_one_is_refused_with_its_reason_and_the_rest_goes_on(
    tmp_path: Path, spoil: Any, reason: str
) -> None:
    bad = answer("exp_1")
    spoil(bad)
    path = write(tmp_path / "a.jsonl", bad, answer("exp_2"))

    items = read(IMPORTER, path)

    assert [t.experiment_id for t in only(PastExperiment, items)] == ["exp_2"]
    assert reason in reasons(items)["a.jsonl:1"]


def test_what_is_imported_stands_among_the_past_tests_that_teach(
    tmp_path: Path, settings: Settings
) -> None:
    path = write(tmp_path / "a.jsonl", *(answer(f"exp_{n}") for n in range(3)))
    now = datetime.now(UTC)
    with open_state(settings.database_url) as state:
        sites.add_site(
            state, "shop", "shop.example", "fashion", ["sales"], actor="test", now=now
        )
    run_import(settings, path, site="shop")
    with open_state(settings.database_url) as state:
        past = experiments.list_past(state)
    rows = [
        {
            "site_id": test.site_id,
            "experiment_id": test.experiment_id,
            "variation_index": index,
            "units": variant.units,
            "conversions": variant.conversions,
            "ended_at": test.ended_at.replace(tzinfo=None),
        }
        for test in past
        for index, variant in enumerate(test.variants)
    ]
    assert screen(pl.DataFrame(rows))["reason"].to_list() == [None] * 3
