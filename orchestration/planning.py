"""Planning a test from what the warehouse knows: traffic, rate, the prior learned."""

import time
from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from code24.contracts.experiment import Experiment
from code24.errors import Code24Error
from code24.settings import Settings
from models.priors.mixture import DEFAULT_PRIOR, Prior, from_row
from orchestration.warehouse import Warehouse, WarehouseError

SEEN_DAYS = 28
"""Days over which traffic and rate are taken: four of each weekday."""
TRIES = 20
WAIT_SECONDS = 0.25
"""A step of the loop holds the warehouse for a second or two at most."""


class Seen(NamedTuple):
    """What a site has seen a day, over the last days with events."""

    visitors: float
    """Different visitors a day."""
    rate: float
    """Share of a day's visitors who reached the goal."""


def seen(settings: Settings, site_id: str, goal_type: str) -> Seen:
    """Return the traffic and the rate that a test of a site can count on.

    Raises:
        Code24Error: the site has no events, or nobody reached the goal; or
            the warehouse cannot be read.
    """
    row = read_when_free(settings, _SEEN, [site_id, goal_type, SEEN_DAYS]).row(
        0, named=True
    )
    if not row["visitors"]:
        raise Code24Error(
            f"site {site_id!r}: no visitors in its last {SEEN_DAYS} days: say what to "
            "expect with --daily and --rate"
        )
    if not row["reached"]:
        raise Code24Error(
            f"site {site_id!r}: nobody reached the goal {goal_type!r} in its last "
            f"{SEEN_DAYS} days: say what to expect with --rate"
        )
    rate = min(row["reached"] / row["visitors"], 0.999)
    return Seen(row["visitors"] / row["days"], rate)


_SEEN = """
with days as (
    select date_day, visitors
    from marts.mart_site_daily
    where site_id = $1
        and date_day > (
            select max(date_day) from marts.mart_site_daily where site_id = $1
        ) - $3::integer
)

select
    sum(days.visitors)::double as visitors,
    coalesce(sum(goals.converting_visitors), 0)::double as reached,
    count(*)::double as days
from days
left join marts.mart_goal_daily as goals
    on goals.site_id = $1 and goals.goal_type = $2 and goals.date_day = days.date_day
"""


def believed(settings: Settings, test: Experiment, vertical: str) -> Prior:
    """Return the prior that a test would start from today.

    That of its own analysis where it runs; else that of the narrowest group of tests
    that it belongs to; the default before anything was learned.
    """
    table = read_when_free(settings, "from priors.effect_priors")
    own = table.filter(pl.col("experiment_id") == test.test_id)
    if own.height:
        return from_row(own.row(0, named=True))
    groups = {
        row["prior_group"]: row
        for row in table.filter(pl.col("experiment_id").is_null()).iter_rows(named=True)
    }
    parts = (test.test_type, test.goal_type, vertical)
    names = [" · ".join(parts[:number]) for number in (3, 2, 1)]
    found = next((groups[name] for name in [*names, "all"] if name in groups), None)
    return DEFAULT_PRIOR if found is None else from_row(found)


def read_when_free(
    settings: Settings, query: str, values: Sequence[object] = ()
) -> pl.DataFrame:
    """Read the warehouse once no step of the loop holds it.

    Raises:
        WarehouseError: a step held it for five seconds, or the query failed.
    """
    for attempt in range(TRIES):
        try:
            with Warehouse(settings.warehouse).connect(read_only=True) as connection:
                found: pl.DataFrame = connection.execute(query, list(values)).pl()
                return found
        except WarehouseError:
            if attempt == TRIES - 1:
                raise
            time.sleep(WAIT_SECONDS)
    raise AssertionError
