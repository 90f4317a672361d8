"""From shared state to what is served: each site's shard, published as one release."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from code24.contracts.experiment import Experiment
from code24.contracts.release import Manifest, Shard
from code24.contracts.saved_group import SavedGroup
from code24.contracts.site import Site
from code24.releases import Publisher, ensure_keys
from code24.settings import Settings
from code24.state import (
    State,
    experiments,
    open_state,
    saved_groups,
    site_policies,
    sites,
)

ACTOR = "loop"
"""Who notes, in the audit log, which release first served which weights."""


def publish(settings: Settings, provenance: Mapping[str, Any]) -> Manifest | None:
    """Publish sites and tests as they stand; return the release if it is a new one.

    Several processes may publish. What one has read may be older than what another
    has published meanwhile, so each reads again after it and goes on until nothing
    has changed: whoever is last has seen every change.

    Args:
        settings: the home.
        provenance: what the release was made from; kept in its manifest.

    Raises:
        StateError: the shared state cannot be read.
        ReleaseError: the release cannot be written.
    """
    ensure_keys(settings.keys)
    newest = None
    with open_state(settings.database_url) as state:
        shards = _standing(state)
        while True:
            newest = _publish(settings, state, shards, provenance) or newest
            published, shards = shards, _standing(state)
            if shards == published:
                return newest


def build_shards(
    of_sites: Sequence[Site],
    tests: Sequence[Experiment],
    holdouts: Mapping[str, float],
    groups: Mapping[str, Mapping[str, SavedGroup]],
) -> list[Shard]:
    """Return each site's shard: its running tests, and the ended ones' winners.

    Drafts are nobody's business yet, so they stay out, and so do groups that no test
    refers to.
    """
    by_site: dict[str, list[Experiment]] = defaultdict(list)
    for test in tests:
        if test.status != "draft":
            by_site[test.site_id].append(test)
    return [
        Shard(
            site_id=site.site_id,
            host=site.host,
            client_key=site.client_key,
            tests=tuple(by_site[site.site_id]),
            holdout=holdouts.get(site.site_id, 0.0),
            saved_groups=_asked(by_site[site.site_id], groups.get(site.site_id, {})),
        )
        for site in of_sites
    ]


def _asked(
    tests: Sequence[Experiment], groups: Mapping[str, SavedGroup]
) -> dict[str, SavedGroup]:
    names = {name for test in tests for name in saved_groups.groups_of(test)}
    return {name: groups[name] for name in sorted(names & groups.keys())}


def _standing(state: State) -> list[Shard]:
    """Read what is to be served; a site added meanwhile is the next reading's."""
    of_sites, tests = sites.list_sites(state), experiments.list_tests(state)
    policies = site_policies.list_policies(state)
    holdouts = {site_id: policy.holdout for site_id, policy in policies.items()}
    return build_shards(of_sites, tests, holdouts, saved_groups.by_site(state))


def _publish(
    settings: Settings,
    state: State,
    shards: Sequence[Shard],
    provenance: Mapping[str, Any],
) -> Manifest | None:
    now = datetime.now(UTC)
    publisher = Publisher(settings.releases, settings.keys)
    new = publisher.publish(shards, created_at=now, provenance=provenance)
    if new is not None:
        served = [test.test_id for shard in shards for test in shard.tests]
        experiments.note_release(state, new.release_id, served, actor=ACTOR, now=now)
    return new
