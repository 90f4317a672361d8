"""The reports of the console."""

import dagster as dg

from code24.settings import Settings
from orchestration.defs.reports.frames import build_frames
from orchestration.defs.reports.store import publish_reports
from orchestration.resources import OWNERS
from orchestration.warehouse import WAREHOUSE_POOL, Warehouse


@dg.asset(
    key=["reports", "console"],
    deps=[
        ["marts", "mart_site_daily"],
        ["marts", "mart_goal_daily"],
        ["marts", "mart_channel_daily"],
        ["marts", "mart_bot_daily"],
        ["marts", "mart_web_vitals"],
        ["experiments", "analyses"],
        ["experiments", "metric_analyses"],
        ["experiments", "segment_analyses"],
        ["experiments", "novelty_analyses"],
        ["priors", "effect_priors"],
        ["release", "manifest"],
    ],
    group_name="reports",
    owners=OWNERS,
    kinds={"python", "parquet"},
    metadata={"grain": "one folder per version, named by its content"},
    pool=WAREHOUSE_POOL,
)
def console(
    settings: dg.ResourceParam[Settings], warehouse: dg.ResourceParam[Warehouse]
) -> dg.MaterializeResult[None]:
    """What the console shows: sites, days, goals, vitals, tests, decisions, prior."""
    frames = build_frames(settings, warehouse)
    published = publish_reports(settings.reports, frames)
    lines = [f"| {name} | {frame.height:,} |" for name, frame in frames.items()]
    return dg.MaterializeResult(
        metadata={
            "version": published.version,
            "is_new": published.is_new,
            "rows": dg.MetadataValue.md(
                "| report | rows |\n|---|---|\n" + "\n".join(lines)
            ),
            "path": dg.MetadataValue.path(settings.reports / published.version),
        }
    )
