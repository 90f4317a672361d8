"""Publish what shared state says: what an undo, a pause or new weights ask for."""

import dagster as dg

from orchestration.kinds.kind import Kind

RELEASE = Kind(
    name="release",
    job=dg.define_asset_job(
        "release_job",
        selection=dg.AssetSelection.assets(["release", "manifest"]),
        description="The release alone; it opens no warehouse, so it waits for no run.",
    ),
)
