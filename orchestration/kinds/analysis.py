"""Analyse every test, decide, publish: what a crossed threshold asks for."""

import dagster as dg

from orchestration.defs.raw.checks import raw_events_expectations
from orchestration.defs.warehouse.checks import mart_checks
from orchestration.kinds.kind import Kind

ANALYSIS = Kind(
    name="analysis",
    job=dg.define_asset_job(
        "analysis_job",
        selection=(
            dg.AssetSelection.assets(["experiments", "analyses"]).upstream()
            | dg.AssetSelection.groups("raw")
            | dg.AssetSelection.assets(
                ["decisions", "decisions"],
                ["release", "manifest"],
                ["reports", "console"],
            )
        )
        - dg.AssetSelection.checks(raw_events_expectations, *mart_checks),
        description=(
            "The worker's fast way: what a decision needs, with dbt's own tests. The "
            "expectations, which take seconds to load, are the loop's."
        ),
    ),
)
