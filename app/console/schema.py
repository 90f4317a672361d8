"""The columns of each report that the console reads, as orchestration writes them."""

from collections.abc import Mapping
from typing import NamedTuple

import polars as pl

Columns = Mapping[str, pl.DataType]

TEXT = pl.String()
COUNT = pl.Int64()
NUMBER = pl.Float64()
MOMENT = pl.Datetime("us")
FLAG = pl.Boolean()


class Report(NamedTuple):
    """One file of the reports: what it must hold and what it may hold."""

    required: Columns
    """Without one of these the file is refused, and the last good version is shown."""
    optional: Columns
    """Where one of these is absent it is null, and the page says "not known"."""
    is_needed: bool = True
    """Whether a version without the file is refused; else it has no rows."""


SITES = Report(
    required={"site_id": TEXT, "host": TEXT, "vertical": TEXT},
    optional={"goals": pl.List(TEXT)},
)
SITE_DAILY = Report(
    required={
        "site_id": TEXT,
        "date_day": pl.Date(),
        "visitors": COUNT,
        "conversions": COUNT,
        "conversion_value_cents": NUMBER,
    },
    optional={
        "page_views": COUNT,
        "sessions": COUNT,
        "bot_events": COUNT,
        "events": COUNT,
    },
)
GOAL_DAILY = Report(
    required={
        "site_id": TEXT,
        "date_day": pl.Date(),
        "goal_type": TEXT,
        "conversions": COUNT,
    },
    optional={"converting_visitors": COUNT, "value_cents": NUMBER},
)
CHANNEL_DAILY = Report(
    required={
        "site_id": TEXT,
        "date_day": pl.Date(),
        "channel": TEXT,
        "sessions": COUNT,
        "conversions": COUNT,
        "value_cents": NUMBER,
    },
    optional={"visitors": COUNT, "engaged_sessions": COUNT, "page_views": COUNT},
)
BOT_DAILY = Report(
    required={
        "site_id": TEXT,
        "date_day": pl.Date(),
        "bot_reason": TEXT,
        "events": COUNT,
    },
    optional={"detector": TEXT, "visitors": COUNT},
)
WEB_VITALS = Report(
    required={
        "site_id": TEXT,
        "measurement_type": TEXT,
        "device": TEXT,
        "metric": TEXT,
        "p75": NUMBER,
    },
    optional={
        "measurements": COUNT,
        "rating": TEXT,
    },
)
TESTS = Report(
    required={
        "experiment_id": TEXT,
        "site_id": TEXT,
        "test_type": TEXT,
        "goal_type": TEXT,
        "status": TEXT,
        "variation_index": COUNT,
        "variant_id": TEXT,
    },
    optional={
        "name": TEXT,
        "coverage": NUMBER,
        "start_at": MOMENT,
        "end_at": MOMENT,
        "winner_variant_id": TEXT,
        "decision_id": TEXT,
    },
)
ANALYSES = Report(
    required={
        "experiment_id": TEXT,
        "site_id": TEXT,
        "variation_index": COUNT,
        "variant_id": TEXT,
        "is_control": FLAG,
        "units": COUNT,
        "conversions": COUNT,
        "effect": NUMBER,
        "effect_sd": NUMBER,
        "lift": NUMBER,
        "lift_low": NUMBER,
        "lift_high": NUMBER,
        "chance_to_win": NUMBER,
    },
    optional={
        "rate": NUMBER,
        "control_rate": NUMBER,
        "raw_lift": NUMBER,
        "chance_best": NUMBER,
        "expected_loss": NUMBER,
        "is_enough_data": FLAG,
        "srm_p": NUMBER,
        "is_srm": FLAG,
        "srm_level": TEXT,
        "e_value": NUMBER,
        "units_multiple": COUNT,
        "problem": TEXT,
        "prior_mean": NUMBER,
        "prior_sd": NUMBER,
        "prior_tests": COUNT,
        "weight": NUMBER,
        "srm_e_value": NUMBER,
        "surprise_p": NUMBER,
        "is_suspicious": FLAG,
        "metric": TEXT,
        "metric_kind": TEXT,
    },
)
METRICS = Report(
    required={
        "experiment_id": TEXT,
        "metric_id": TEXT,
        "role": TEXT,
        "kind": TEXT,
        "variation_index": COUNT,
        "variant_id": TEXT,
        "is_control": FLAG,
    },
    optional={
        "is_increase_good": FLAG,
        "units": COUNT,
        "units_pending": COUNT,
        "mean": NUMBER,
        "lift": NUMBER,
        "lift_low": NUMBER,
        "lift_high": NUMBER,
        "chance_to_win": NUMBER,
        "e_value_harm": NUMBER,
        "is_enough_data": FLAG,
        "problem": TEXT,
    },
)
SEGMENTS = Report(
    required={
        "experiment_id": TEXT,
        "variation_index": COUNT,
        "variant_id": TEXT,
        "dimension": TEXT,
        "segment": TEXT,
        "units": COUNT,
        "control_units": COUNT,
        "lift": NUMBER,
        "lift_low": NUMBER,
        "lift_high": NUMBER,
        "is_different": FLAG,
    },
    optional={
        "conversions": COUNT,
        "control_conversions": COUNT,
        "raw_lift": NUMBER,
        "difference": NUMBER,
        "e_value": NUMBER,
        "e_value_needed": NUMBER,
    },
    is_needed=False,
)
NOVELTY = Report(
    required={
        "experiment_id": TEXT,
        "variation_index": COUNT,
        "variant_id": TEXT,
        "slope": NUMBER,
        "slope_low": NUMBER,
        "slope_high": NUMBER,
        "lift_latest": NUMBER,
        "course": TEXT,
    },
    optional={
        "days": COUNT,
        "lift_first": NUMBER,
        "lift_latest_low": NUMBER,
        "lift_latest_high": NUMBER,
        "raw_slope": NUMBER,
        "e_value": NUMBER,
        "e_value_needed": NUMBER,
    },
    is_needed=False,
)
DECISIONS = Report(
    required={
        "decision_id": TEXT,
        "experiment_id": TEXT,
        "site_id": TEXT,
        "kind": TEXT,
        "reason": TEXT,
        "decided_at": MOMENT,
    },
    optional={
        "variant_id": TEXT,
        "is_claimed": FLAG,
        "evidence": TEXT,
        "policy": TEXT,
    },
)
PRIOR = Report(
    required={},
    optional={"prior_mean": NUMBER, "prior_sd": NUMBER, "prior_tests": COUNT},
)
SUMMARY = Report(
    required={},
    optional={
        "as_of_event_at": MOMENT,
        "events": COUNT,
        "sites": COUNT,
        "tests": COUNT,
        "dead_letters": COUNT,
        "release_id": TEXT,
    },
)
REPORTS: Mapping[str, Report] = {
    "sites": SITES,
    "site_daily": SITE_DAILY,
    "goal_daily": GOAL_DAILY,
    "channel_daily": CHANNEL_DAILY,
    "bot_daily": BOT_DAILY,
    "web_vitals": WEB_VITALS,
    "tests": TESTS,
    "analyses": ANALYSES,
    "metrics": METRICS,
    "segments": SEGMENTS,
    "novelty": NOVELTY,
    "decisions": DECISIONS,
    "prior": PRIOR,
    "summary": SUMMARY,
}
