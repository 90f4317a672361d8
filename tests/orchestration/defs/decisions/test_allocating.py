"""Shares are moved by the rule of a test, once a day, and can be foreseen."""

import json
from datetime import timedelta
from typing import Any

import polars as pl
import pytest

from cli.main import main
from code24.contracts.allocation import Allocation
from code24.settings import Settings
from code24.state import allocations, decisions, experiments, open_state
from models.experiments.analysis import analyze
from orchestration.defs.decisions.allocating import shifts
from orchestration.warehouse import Warehouse
from tests.models.experiments import frames
from tests.orchestration.homes import NOW, START, fill_state

PERIODS: dict[str, Any] = {
    "experiment_id": pl.String,
    "from_at": pl.Datetime("us"),
    "variation_index": pl.Int64,
    "until_at": pl.Datetime("us"),
    "weight": pl.Float64,
    "units": pl.Int64,
    "conversions": pl.Int64,
    "units_multiple": pl.Int64,
}


def analyses(new: int = 300) -> pl.DataFrame:
    table = frames.stats({"wins": [(4_000, 200), (4_000, new)]})
    return analyze(table, frames.weights(table))


def read(query: str) -> pl.DataFrame:
    assert "mart_experiment_period_stats" in query
    return pl.DataFrame(schema=PERIODS)


@pytest.fixture
def home(settings: Settings) -> Settings:
    with open_state(settings.database_url) as state:
        fill_state(state)
    return settings


def set_rule(settings: Settings, **fields: object) -> None:
    wanted = Allocation(test_id="wins", **fields)  # type: ignore[arg-type]
    with open_state(settings.database_url) as state:
        allocations.set_allocation(state, wanted, actor="ada", now=START)


def test_a_bandit_moves_shares_once_a_day(home: Settings) -> None:
    set_rule(home, kind="bandit", floor=0.1)
    with open_state(home.database_url) as state:
        (test,) = [t for t in experiments.list_tests(state) if t.test_id == "wins"]
        early = START + timedelta(hours=3)
        assert shifts(state, [test], analyses(), read, now=early) == []
        (shift,) = shifts(state, [test], analyses(), read, now=NOW)
        assert shift.evidence["weights"][1] > 0.5
        assert shift.reason.startswith("Bandit: visitors are shared out anew")
        assert decisions.record(state, shift, actor="loop")
        moved = experiments.get_test(state, "wins")
        assert list(moved.traffic_split) == shift.evidence["weights"]
        soon = NOW + timedelta(hours=10)
        assert shifts(state, [moved], analyses(), read, now=soon) == []


def test_a_roll_out_steps_and_a_test_without_a_rule_stays(home: Settings) -> None:
    with open_state(home.database_url) as state:
        test = experiments.get_test(state, "wins")
        assert shifts(state, [test], analyses(), read, now=NOW) == []
    set_rule(home, kind="rollout")
    with open_state(home.database_url) as state:
        test = experiments.get_test(state, "wins")
        (shift,) = shifts(state, [test], analyses(), read, now=NOW)
        assert shift.evidence["coverage"] == pytest.approx(0.1)
        decisions.record(state, shift, actor="loop")
        assert experiments.get_test(state, "wins").coverage == pytest.approx(0.1)


def test_what_a_rule_would_do_is_told_with_what_it_would_have_brought(
    home: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    warehouse = Warehouse(home.warehouse)
    warehouse.replace("experiments", "analyses", analyses())
    warehouse.replace(
        "marts", "mart_experiment_period_stats", pl.DataFrame(schema=PERIODS)
    )
    for name, value in home.environment().items():
        monkeypatch.setenv(name, value)
    words = ["test", "allocation", "wins", "--kind", "bandit", "--dry-run", "--json"]
    monkeypatch.setattr("sys.argv", ["code24", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code in {0, None}
    told = json.loads(capsys.readouterr().out)["foreseen"]
    assert told["before"]["value"] == pytest.approx(0.0625)
    expected = 0.05 * told["weights"][0] + 0.075 * told["weights"][1]
    assert told["after"]["value"] == pytest.approx(expected)
    assert told["after"]["low"] < expected < told["after"]["high"]
    with open_state(home.database_url) as state:
        assert allocations.list_allocations(state) == {}
