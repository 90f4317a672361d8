"""What a plan takes from the warehouse, and the command that shows it."""

import json

import msgspec
import polars as pl
import pytest

from cli.main import main
from code24.errors import Code24Error
from code24.settings import Settings
from code24.state import open_state
from models.priors.mixture import DEFAULT_PRIOR, Prior
from orchestration import planning
from orchestration.defs.priors.assets import EFFECT_PRIORS
from orchestration.warehouse import Warehouse
from tests.orchestration.homes import fill_state, running

LEARNED = Prior((0.0, 0.05), (0.5, 0.5), tests=40, group="headline · sales")


@pytest.fixture
def home(settings: Settings) -> Settings:
    """Return a home whose site saw 1,000 visitors a day, of whom 50 bought."""
    with open_state(settings.database_url) as state:
        fill_state(state)
    with Warehouse(settings.warehouse).connect() as connection:
        connection.execute("create schema marts")
        connection.execute(
            "create table marts.mart_site_daily as select 'shop' as site_id, "
            "date '2026-01-01' + day::integer as date_day, 1000 as visitors "
            "from range(60) as days(day)"
        )
        connection.execute(
            "create table marts.mart_goal_daily as select site_id, date_day, "
            "'sales' as goal_type, 50 as converting_visitors "
            "from marts.mart_site_daily"
        )
    rows = [
        {"experiment_id": None, **DEFAULT_PRIOR.as_row()},
        {"experiment_id": None, **LEARNED.as_row()},
    ]
    table = pl.DataFrame(rows, schema=EFFECT_PRIORS)
    Warehouse(settings.warehouse).replace("priors", "effect_priors", table)
    return settings


def test_traffic_and_rate_are_those_of_the_last_weeks(home: Settings) -> None:
    assert planning.seen(home, "shop", "sales") == planning.Seen(1_000.0, 0.05)
    with pytest.raises(Code24Error, match="nobody reached the goal 'leads'"):
        planning.seen(home, "shop", "leads")
    with pytest.raises(Code24Error, match="'other': no visitors"):
        planning.seen(home, "other", "sales")


def test_the_prior_is_that_of_the_narrowest_group_known(home: Settings) -> None:
    assert planning.believed(home, running("wins"), "grocery") == LEARNED
    image = msgspec.structs.replace(running("wins"), test_type="image")
    assert planning.believed(home, image, "grocery") == DEFAULT_PRIOR


def test_the_command_tells_the_plan_of_a_test(
    home: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in home.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.argv", ["code24", "test", "plan", "wins", "--json"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code in {0, None}
    told = json.loads(capsys.readouterr().out)
    assert (told["baseRate"], told["dailyUnits"], told["arms"]) == (0.05, 1_000.0, 2)
    assert told["prior"]["group"] == "headline · sales"
    assert told["outlook"]["worth"] > 0
    assert [row["days"] for row in told["after"]] == [7.0, 14.0, 28.0]
