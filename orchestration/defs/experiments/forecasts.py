"""What tests can be expected to bring, told where it was asked and for every draft."""

from collections import Counter
from datetime import UTC, datetime

import dagster as dg

from code24.settings import Settings
from code24.state import open_state
from orchestration.forecasting import answer_all
from orchestration.resources import OWNERS
from orchestration.warehouse import WAREHOUSE_POOL


@dg.asset(
    key=["experiments", "forecasts"],
    deps=[
        ["experiments", "analyses"],
        ["priors", "effect_priors"],
        ["marts", "mart_site_daily"],
        ["marts", "mart_goal_daily"],
        ["marts", "mart_experiment_period_stats"],
        ["marts", "mart_experiment_stats"],
        ["decisions", "decisions"],
    ],
    group_name="experiments",
    owners=OWNERS,
    kinds={"python", "sqlite"},
    metadata={"grain": "one row per question about a test"},
    pool=WAREHOUSE_POOL,
)
def forecasts(settings: dg.ResourceParam[Settings]) -> dg.MaterializeResult[None]:
    """Plans of tests, and rules of allocation tried out, into the shared state.

    Answers what was asked, and once a day plans each draft. No step of a crossed
    threshold waits for it.
    """
    with open_state(settings.database_url) as state:
        told = answer_all(settings, state, now=datetime.now(UTC))
    kinds = Counter("plan" if each.rule is None else "allocation" for each in told)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": dg.MetadataValue.int(len(told)),
            "by_subject": dg.MetadataValue.json(dict(kinds)),
        }
    )
