"""Learn from finished tests anew, and refresh the reports: what a result asks for."""

import dagster as dg

from orchestration.defs.raw.checks import raw_events_expectations
from orchestration.defs.warehouse.assets import MATERIALIZED
from orchestration.defs.warehouse.checks import mart_checks
from orchestration.kinds.kind import Kind

PRIORS = Kind(
    name="priors",
    job=dg.define_asset_job(
        "priors_job",
        selection=(
            (
                dg.AssetSelection.groups("raw")
                - dg.AssetSelection.tag(MATERIALIZED, "seed")
            )
            | dg.AssetSelection.assets(
                ["staging", "stg_past_experiments"],
                ["marts", "mart_past_experiment_stats"],
                ["priors", "effect_priors"],
                ["reports", "console"],
            )
        )
        - dg.AssetSelection.checks(raw_events_expectations, *mart_checks),
        description="What a test that ended has taught, for those that begin now.",
    ),
)
