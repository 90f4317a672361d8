"""Where each file of the release folder lies, and how a release is named."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from code24.contracts.release import ShardEntry
from code24.contracts.wire import digest
from code24.releases.errors import ReleaseError

RELEASE_ID = re.compile(r"r([0-9]{6,12})-([0-9a-f]{8})")
SHARD_NAME = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths below one release folder."""

    folder: Path

    @property
    def current(self) -> Path:
        """Return the pointer: the id of the release that is served."""
        return self.folder / "CURRENT"

    @property
    def offered(self) -> Path:
        """Return the file with the digest of what was last given to be published."""
        return self.folder / "OFFERED"

    @property
    def switches(self) -> Path:
        """Return the signed kill switch."""
        return self.folder / "switches.json"

    @property
    def lock(self) -> Path:
        """Return the file that a writer holds locked."""
        return self.folder / ".lock"

    @property
    def manifests(self) -> Path:
        """Return the folder of signed manifests, one file a release."""
        return self.folder / "manifests"

    @property
    def shards(self) -> Path:
        """Return the folder of shards, each named by its SHA-256."""
        return self.folder / "shards"

    def manifest(self, release_id: str) -> Path:
        """Return the path of one manifest; refuses what is no release id."""
        if not RELEASE_ID.fullmatch(release_id):
            raise ReleaseError(
                f"{release_id!r} is no release id (r000012-0a1b2c3d); "
                "see: code24 release list"
            )
        return self.manifests / f"{release_id}.json"

    def shard(self, name: str) -> Path:
        """Return the path of one shard; refuses what is no SHA-256."""
        if not SHARD_NAME.fullmatch(name):
            raise ReleaseError(f"{name!r} is no SHA-256, so it names no shard")
        return self.shards / f"{name}.json"

    def release_ids(self) -> list[str]:
        """Return the ids of all manifests that lie here, the newest first."""
        names = (path.stem for path in self.manifests.glob("r*.json"))
        return sorted(filter(RELEASE_ID.fullmatch, names), key=number, reverse=True)


def number(release_id: str) -> int:
    """Return the running number of a release."""
    return int(release_id[1:].partition("-")[0])


def release_id(count: int, sites: Mapping[str, ShardEntry]) -> str:
    """Name a release by its running number and what it holds."""
    return f"r{count:06d}-{digest(sites)[:8]}"
