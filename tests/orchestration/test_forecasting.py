"""What was asked of tests' futures is answered from the warehouse as it stands."""

import msgspec
import polars as pl
import pytest

from code24.contracts.allocation import Allocation
from code24.contracts.forecast import Assumptions
from code24.settings import Settings
from code24.state import experiments, forecasts, open_state
from models.experiments.analysis import ANALYSIS_SCHEMA
from orchestration.forecasting import answer_all
from orchestration.warehouse import Warehouse
from tests.orchestration.homes import NOW, running
from tests.orchestration.test_planning import home

__all__ = ["home"]


def test_each_question_has_its_answer_or_its_reason(home: Settings) -> None:
    draft = msgspec.structs.replace(
        running("draft"), status="draft", start_date=None, coverage=0.5
    )
    none = pl.DataFrame(schema=ANALYSIS_SCHEMA)
    Warehouse(home.warehouse).replace("experiments", "analyses", none)
    with open_state(home.database_url) as state:
        experiments.create_test(state, draft, actor="test", now=NOW)
        dear = Assumptions(base_rate=0.2, daily_units=500.0, arms=3, lift=0.1)
        asked = forecasts.plan(state, "wins", dear, actor="test", now=NOW)
        rule = Allocation(test_id="wins", kind="bandit")
        untold = forecasts.try_out(state, rule, actor="test", now=NOW)
        assert len(answer_all(home, state, now=NOW)) == 3
        told = forecasts.get_forecast(state, asked.forecast_id).plan
        unasked = forecasts.find_plan(state, "draft")
        failed = forecasts.get_forecast(state, untold.forecast_id)
        assert answer_all(home, state, now=NOW) == []
    assert told is not None
    assert (told.base_rate, told.daily_units, told.arms) == (0.2, 500.0, 3)
    assert told.days_needed == pytest.approx(told.units_needed / 500.0)
    assert unasked is not None
    assert unasked.plan is not None
    assert (unasked.plan.base_rate, unasked.plan.daily_units) == (0.05, 500.0)
    assert unasked.plan.prior.group == "headline · sales"
    assert failed.status == "failed"
    assert "is not analysed yet" in str(failed.problem)
