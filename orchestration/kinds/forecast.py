"""Tell what was asked of tests' futures: what a dry run of a rule, or a plan, asks."""

import dagster as dg

from orchestration.kinds.kind import Kind

FORECAST = Kind(
    name="forecast",
    job=dg.define_asset_job(
        "forecast_job",
        selection=dg.AssetSelection.assets(["experiments", "forecasts"]),
        description="Plans and rules tried out, from the warehouse as it stands.",
    ),
)
