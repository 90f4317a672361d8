"""What differs between two releases, for people and programs."""

from collections.abc import Iterator, Mapping
from typing import Literal

from code24.contracts.experiment import Experiment
from code24.contracts.release import Manifest, Shard
from code24.contracts.wire import Contract, Slug
from code24.releases.reader import Reader

ChangeKind = Literal[
    "site_added",
    "site_removed",
    "site_changed",
    "test_added",
    "test_removed",
    "test_status",
    "test_winner",
    "test_weights",
    "test_coverage",
    "test_variants",
    "test_targeting",
]


class ReleaseChange(Contract, frozen=True, kw_only=True):
    """One difference; without a test it is one of the site itself."""

    site_id: Slug
    test_id: Slug | None
    kind: ChangeKind
    change: str
    """In words, with the values before and after."""


def diff(reader: Reader, old: Manifest, new: Manifest) -> list[ReleaseChange]:
    """Say what became of each site and test from one release to another.

    Only shards that differ are read.

    Raises:
        ReleaseError: one of those shards cannot be trusted.
    """
    changes: list[ReleaseChange] = []
    for site_id in sorted(old.sites.keys() | new.sites.keys()):
        before, after = old.sites.get(site_id), new.sites.get(site_id)
        if before is None and after is not None:
            tests = len(reader.shard(after).tests)
            changes.append(_of_site(site_id, "site_added", f"added, {tests} tests"))
        elif after is None:
            changes.append(_of_site(site_id, "site_removed", "removed"))
        elif before is not None and before.shard != after.shard:
            changes.extend(_between(reader.shard(before), reader.shard(after)))
    return changes


def _of_site(site_id: str, kind: ChangeKind, change: str) -> ReleaseChange:
    return ReleaseChange(site_id=site_id, test_id=None, kind=kind, change=change)


def _between(old: Shard, new: Shard) -> Iterator[ReleaseChange]:
    for name in ("host", "client_key"):
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            words = f"{name.replace('_', ' ')} {before} → {after}"
            yield _of_site(new.site_id, "site_changed", words)
    tests_old, tests_new = _by_id(old), _by_id(new)
    for test_id in sorted(tests_old.keys() | tests_new.keys()):
        pair = tests_old.get(test_id), tests_new.get(test_id)
        for kind, change in _of_test(*pair):
            yield ReleaseChange(
                site_id=new.site_id, test_id=test_id, kind=kind, change=change
            )


def _by_id(shard: Shard) -> Mapping[str, Experiment]:
    return {test.test_id: test for test in shard.tests}


def _of_test(
    old: Experiment | None, new: Experiment | None
) -> Iterator[tuple[ChangeKind, str]]:
    if old is None:
        if new is not None:
            yield "test_added", f"added, {new.status}"
        return
    if new is None:
        yield "test_removed", f"removed, was {old.status}"
        return
    yield from _of_kept(old, new)


def _of_kept(old: Experiment, new: Experiment) -> Iterator[tuple[ChangeKind, str]]:
    if old.status != new.status:
        yield "test_status", f"{old.status} → {new.status}"
    if old.winner_variant != new.winner_variant:
        yield (
            "test_winner",
            f"winner {old.winner_variant or 'none'} → {new.winner_variant or 'none'}",
        )
    if old.traffic_split != new.traffic_split:
        yield (
            "test_weights",
            f"weights {_shares(old.traffic_split)} → {_shares(new.traffic_split)}",
        )
    if old.coverage != new.coverage:
        yield "test_coverage", f"coverage {old.coverage:g} → {new.coverage:g}"
    if old.variants != new.variants:
        yield "test_variants", "variants changed"
    if old.targeting != new.targeting:
        yield "test_targeting", "whom it asks changed"


def _shares(weights: tuple[float, ...]) -> str:
    return "/".join(f"{weight:g}" for weight in weights)
