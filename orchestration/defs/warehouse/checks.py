"""What the marts must be before anything is decided or shown from them."""

from collections.abc import Mapping, Sequence
from typing import get_args

import dagster as dg

from code24.contracts.wire import GoalType
from orchestration.expectations import (
    Expectation,
    among,
    at_most,
    between,
    check_result,
    filled,
    key,
)
from orchestration.warehouse import WAREHOUSE_POOL, Warehouse

SUITES: Mapping[str, Sequence[Expectation]] = {
    "mart_experiment_stats": (
        *key("experiment_id", "variation_index", "metric"),
        *filled("site_id", "variant_id", "units", "conversions", "units_multiple"),
        among("metric", ["conversion", "value"]),
        *between(0, None, "units", "conversions", "units_multiple", "value_sum_sq"),
        *between(0, 1_000, "variation_index"),
        at_most("conversions", "units"),
        at_most("first_exposure_at", "last_exposure_at"),
    ),
    "mart_past_experiment_stats": (
        *key("site_id", "experiment_id", "variation_index"),
        *filled("variant_id", "ended_at"),
        *between(0, None, "units", "conversions"),
        at_most("conversions", "units"),
    ),
    "mart_site_daily": (
        *key("site_id", "date_day"),
        *between(0, None, "page_views", "sessions", "visitors", "conversions"),
        *between(0, None, "bot_events", "events"),
        at_most("page_views", "events"),
        at_most("bot_events", "events"),
    ),
    "mart_channel_daily": (
        *key("site_id", "date_day", "channel"),
        *between(1, None, "sessions", "visitors", "page_views"),
        *between(0, None, "engaged_sessions", "conversions"),
        at_most("visitors", "sessions"),
        at_most("engaged_sessions", "sessions"),
        at_most("sessions", "page_views"),
    ),
    "mart_bot_daily": (
        *key("site_id", "date_day", "bot_reason"),
        *filled("detector"),
        *between(1, None, "events", "visitors"),
        at_most("visitors", "events"),
    ),
    "mart_goal_daily": (
        *key("site_id", "date_day", "goal_type"),
        among("goal_type", get_args(GoalType)),
        *between(1, None, "conversions", "converting_visitors"),
        at_most("converting_visitors", "conversions"),
    ),
}


def _check(mart: str, suite: Sequence[Expectation]) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=dg.AssetKey(["marts", mart]),
        name=f"{mart}_expectations",
        description=f"Great Expectations on {mart}: keys, kinds, ranges, totals.",
        blocking=True,
        pool=WAREHOUSE_POOL,
    )
    def expectations(
        warehouse: dg.ResourceParam[Warehouse],
    ) -> dg.AssetCheckResult:
        return check_result(warehouse.read(f'from marts."{mart}"'), suite)

    return expectations


mart_checks = [_check(mart, suite) for mart, suite in SUITES.items()]
