"""Analyse every test, decide, publish: what a crossed threshold asks for."""

import dagster as dg

from orchestration.defs.raw.checks import raw_events_expectations
from orchestration.defs.warehouse.assets import MATERIALIZED
from orchestration.defs.warehouse.checks import mart_checks
from orchestration.kinds.kind import Kind

STATS_KEY = dg.AssetKey(["marts", "mart_experiment_stats"])
STATS = dg.AssetSelection.assets(STATS_KEY)
DECIDING = dg.AssetSelection.assets(
    ["priors", "effect_priors"],
    ["experiments", "analyses"],
    ["decisions", "decisions"],
    ["release", "manifest"],
    ["reports", "console"],
)
NOT_READ = dg.AssetSelection.assets(
    ["raw", "goals"], ["raw", "decisions"], ["raw", "past_experiments"]
)
"""Of shared state what no step of the hot path reads: these grow with history."""

ANALYSIS = Kind(
    name="analysis",
    job=dg.define_asset_job(
        "analysis_job",
        selection=(
            dg.AssetSelection.assets(["reports", "console"]).upstream()
            | dg.AssetSelection.groups("raw")
            | DECIDING
        )
        - dg.AssetSelection.checks(raw_events_expectations, *mart_checks),
        description=(
            "What a decision needs, with all of dbt's own tests. The expectations, "
            "which take seconds to load, are the loop's."
        ),
    ),
    fast_job=dg.define_asset_job(
        "fast_analysis_job",
        selection=(
            (
                (
                    dg.AssetSelection.groups("raw")
                    - dg.AssetSelection.tag(MATERIALIZED, "seed")
                    - NOT_READ
                )
                | (
                    STATS.upstream()
                    & dg.AssetSelection.tag(MATERIALIZED, "incremental")
                )
                | STATS
                | DECIDING
            ).without_checks()
            | dg.AssetSelection.checks_for_assets(STATS_KEY)
        )
        - dg.AssetSelection.checks(*mart_checks),
        description=(
            "The hot path: the incremental models that the statistics are made of, the "
            "statistics with the tests of their keys and totals, the sample ratio, the "
            "decision, the release. Its cost grows with what is new."
        ),
    ),
)
