"""The signed release that the dispatcher serves."""

from datetime import UTC, datetime

import dagster as dg

from code24.contracts.experiment import Experiment
from code24.contracts.release import Manifest, Shard
from code24.contracts.site import Site
from code24.releases import Publisher, Reader, ensure_keys
from code24.settings import Settings
from code24.state import experiments, open_state, sites
from orchestration.resources import OWNERS

ACTOR = "loop"


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
    published = publish(settings, context.run.run_id)
    current = Reader(settings.releases, settings.keys / "verify.pub").current()
    return dg.MaterializeResult(
        metadata={
            "release_id": current.release_id,
            "is_new": published is not None,
            "sites": len(current.sites),
            "path": dg.MetadataValue.path(settings.releases),
        }
    )


def publish(settings: Settings, run_id: str) -> Manifest | None:
    """Publish sites and tests as they stand; return the release if it is a new one."""
    ensure_keys(settings.keys)
    now = datetime.now(UTC)
    with open_state(settings.database_url) as state:
        tests = experiments.list_tests(state)
        shards = build_shards(sites.list_sites(state), tests)
        new = Publisher(settings.releases, settings.keys).publish(
            shards, created_at=now, provenance={"run": run_id}
        )
        if new is not None:
            served = [test.test_id for test in tests]
            experiments.note_release(
                state, new.release_id, served, actor=ACTOR, now=now
            )
    return new


def build_shards(sites: list[Site], tests: list[Experiment]) -> list[Shard]:
    """Return each site's shard: its running tests, and the ended ones' winners.

    Drafts are nobody's business yet, so they stay out.
    """
    return [
        Shard(
            site_id=site.site_id,
            host=site.host,
            client_key=site.client_key,
            tests=tuple(
                test
                for test in tests
                if test.site_id == site.site_id and test.status != "draft"
            ),
        )
        for site in sites
    ]
