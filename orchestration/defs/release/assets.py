"""The signed release that the dispatcher serves."""

from datetime import UTC, datetime

import dagster as dg

from code24.publishing import publish
from code24.releases import Reader
from code24.settings import Settings
from code24.state import open_state
from orchestration import guardrails
from orchestration.resources import OWNERS


@dg.asset(
    key=["release", "manifest"],
    deps=[["decisions", "decisions"]],
    group_name="release",
    owners=OWNERS,
    kinds={"python", "json"},
    metadata={"grain": "one shard per site"},
)
def manifest(
    context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings]
) -> dg.MaterializeResult[None]:
    """The signed manifest and the shard of each site; unchanged content adds none."""
    published = publish(settings, {"run": context.run.run_id})
    with open_state(settings.database_url) as state:
        guardrails.lift_ended(settings, state, now=datetime.now(UTC))
    current = Reader(settings.releases, settings.keys / "verify.pub").current()
    return dg.MaterializeResult(
        metadata={
            "release_id": current.release_id,
            "is_new": published is not None,
            "sites": len(current.sites),
            "path": dg.MetadataValue.path(settings.releases),
        }
    )
