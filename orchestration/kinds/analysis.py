"""Analyse every test, decide, publish: what a crossed threshold asks for."""

import dagster as dg

from orchestration.defs.raw.checks import raw_events_expectations
from orchestration.defs.warehouse.assets import HOURLY, MATERIALIZED, PACE
from orchestration.defs.warehouse.checks import mart_checks
from orchestration.kinds.kind import Kind

STATS_KEY = dg.AssetKey(["marts", "mart_experiment_stats"])
STATS = dg.AssetSelection.assets(STATS_KEY)
METRIC_STATS = dg.AssetSelection.assets(
    ["marts", "mart_metric_stats"], ["marts", "mart_metric_histogram"]
)
DECIDING = dg.AssetSelection.assets(
    ["priors", "effect_priors"],
    ["experiments", "analyses"],
    ["experiments", "metric_analyses"],
    ["decisions", "decisions"],
    ["release", "manifest"],
    ["reports", "console"],
)
NOT_READ = dg.AssetSelection.assets(
    ["raw", "goals"], ["raw", "decisions"], ["raw", "past_experiments"]
)
"""Of shared state what no step of the hot path reads: these grow with history."""
IN_DEPTH = dg.AssetSelection.tag(PACE, HOURLY[PACE])
"""What looks deeper into tests and decides nothing: the loop's, by the hour."""


def _needed(stats: dg.AssetSelection) -> dg.AssetSelection:
    """Return what a decision needs in a process whose views stand."""
    incremental = dg.AssetSelection.tag(MATERIALIZED, "incremental")
    seeds = dg.AssetSelection.tag(MATERIALIZED, "seed")
    return (
        (
            (dg.AssetSelection.groups("raw") - seeds - NOT_READ)
            | (stats.upstream() & incremental)
            | stats
            | DECIDING
        ).without_checks()
        | dg.AssetSelection.checks_for_assets(STATS_KEY)
    ) - dg.AssetSelection.checks(*mart_checks)


ANALYSIS = Kind(
    name="analysis",
    job=dg.define_asset_job(
        "analysis_job",
        selection=(
            dg.AssetSelection.assets(["reports", "console"]).upstream()
            | dg.AssetSelection.groups("raw")
            | DECIDING
        )
        - dg.AssetSelection.checks(raw_events_expectations, *mart_checks)
        - IN_DEPTH,
        description=(
            "What a decision needs, with all of dbt's own tests. The expectations, "
            "which take seconds to load, are the loop's."
        ),
    ),
    fast_job=dg.define_asset_job(
        "fast_analysis_job",
        selection=_needed(STATS),
        description=(
            "The hot path: the incremental models that the statistics are made of, the "
            "statistics with the tests of their keys and totals, the sample ratio, the "
            "decision, the release. Its cost grows with what is new."
        ),
    ),
    fast_metrics_job=dg.define_asset_job(
        "fast_metrics_analysis_job",
        selection=_needed(STATS | METRIC_STATS),
        description=(
            "The hot path with the statistics of metrics that need their own: where a "
            "running test has declared metrics."
        ),
    ),
)
