"""Releases to test with: one home, sites of one test each."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from code24.contracts.experiment import Experiment, Variant
from code24.contracts.release import Manifest, Shard
from code24.releases import Publisher, Reader, ensure_keys

MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ReleaseHome:
    """A release folder, its keys, and both halves of the store."""

    releases: Path
    keys: Path

    @property
    def publisher(self) -> Publisher:
        return Publisher(self.releases, self.keys)

    @property
    def reader(self) -> Reader:
        return Reader(self.releases, self.keys / "verify.pub")

    def publish(self, *shards: Shard, at: int = 0) -> Manifest:
        """Publish what must be new, ``at`` seconds after ``MOMENT``."""
        manifest = self.publisher.publish(
            shards, created_at=MOMENT + timedelta(seconds=at), provenance={"run": at}
        )
        assert manifest is not None
        return manifest

    def offer(self, *shards: Shard) -> Manifest | None:
        return self.publisher.publish(shards, created_at=MOMENT, provenance={})

    def tree(self) -> dict[str, bytes]:
        """Return every file of the release folder but the lock, with its content."""
        return {
            str(path.relative_to(self.releases)): path.read_bytes()
            for path in sorted(self.releases.rglob("*"))
            if path.is_file() and path.name != ".lock"
        }


def release_home(folder: Path) -> ReleaseHome:
    home = ReleaseHome(folder / "releases", folder / "keys")
    ensure_keys(home.keys)
    return home


def ab_test(
    test_id: str = "headline", site_id: str = "shop", **more: Any
) -> Experiment:
    return Experiment(
        **{
            "test_id": test_id,
            "site_id": site_id,
            "test_type": "headline",
            "goal_type": "sales",
            "variants": (
                Variant(variant_id="control", name="As it is"),
                Variant(variant_id="bold", name="Bold"),
            ),
            "traffic_split": (0.5, 0.5),
            "status": "running",
            **more,
        }
    )


def shard(site_id: str = "shop", *tests: Experiment, **more: Any) -> Shard:
    given = tests or (ab_test(site_id=site_id),)
    made = Shard(
        site_id=site_id,
        host=f"{site_id}.example",
        client_key=f"ck_{site_id}",
        tests=given,
    )
    return msgspec.structs.replace(made, **more)


def numbered(number: int, site_id: str = "shop") -> Shard:
    """Return a shard that differs from every other number's."""
    return shard(site_id, ab_test(f"test-{number}", site_id))
