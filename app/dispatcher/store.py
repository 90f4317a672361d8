"""What is served, in memory: the last good release under the newest good switches."""

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from app.dispatcher.changes import Changes
from app.dispatcher.payload import Answer, answer, saved_groups
from app.dispatcher.visual import is_visual
from code24.assignment import Assigner
from code24.contracts.release import Manifest, Shard, Switches
from code24.releases import ReleaseError
from code24.releases.reader import Reader
from code24.targeting.conditions import Groups

LOG = logging.getLogger("code24.dispatcher")

Stamp = tuple[int, int, int] | None
Key = tuple[str, bool, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Release:
    """A release of which every byte was checked."""

    manifest: Manifest
    shards: Mapping[str, Shard]
    """By digest."""


@dataclass(frozen=True, slots=True)
class Site:
    """What is served of one site: its tests, and the answer that tells them all."""

    shard: Shard
    tests_off: frozenset[str]
    is_off: bool
    answer: Answer
    groups: Groups = field(default_factory=dict)
    """The saved groups that conditions name."""
    visual: frozenset[str] = frozenset()
    """The tests whose changes browsers can make."""
    assigners: dict[str, Assigner] = field(default_factory=dict)
    """By test, each made on its first evaluation: most sites' clients evaluate."""
    told: dict[tuple[str, int, str, bool], list[bytes]] = field(default_factory=dict)
    """What remote evaluation tells of a test, variant, attribute and whether it was
    kept, encoded: before the unit's place, between that and the unit, after it."""


@dataclass(frozen=True, slots=True)
class Serving:
    """All that a request needs; replaced whole, never changed."""

    sites: Mapping[str, Site] = field(default_factory=dict)
    """By client key."""
    built: Mapping[Key, Site] = field(default_factory=dict)
    release_id: str | None = None
    sequence: int | None = None
    """The switches' sequence; none where they could not be read yet."""


class Store:
    """Follows the release folder; a fault leaves what was served as it is.

    ``refresh_switches`` and ``refresh_release`` are called from threads of their own,
    so that the kill switch never waits for a large release.
    """

    def __init__(self, reader: Reader) -> None:
        self.serving = Serving()
        self.changes = Changes()
        self._reader = reader
        self._release: Release | None = None
        self._switches: Switches | None = None
        self._stamps: dict[str, Stamp] = {}
        self._problems: dict[str, str] = {}
        self._swapping = threading.Lock()

    @property
    def reason(self) -> str | None:
        """Return why this is not what should be served; none where it is."""
        return "; ".join(tuple(self._problems.values())) or None

    def refresh_switches(self) -> None:
        """Take over the switches if their file changed, or was at fault before."""
        if not self._is_due("switches", self._reader.layout.switches):
            return
        try:
            found = self._reader.switches()
            self._refuse_older(found)
        except ReleaseError as error:
            self._alarm("switches", self._kept_switches(error))
        else:
            self._switches = found
            self._well("switches")
        self._swap()

    def refresh_release(self) -> None:
        """Load what changed if ``CURRENT`` changed, or was at fault before."""
        if not self._is_due("release", self._reader.layout.current):
            return
        try:
            self._release = self._load(self._reader.current_id())
        except ReleaseError as error:
            self._fall_back(error)
        else:
            self._well("release")
        self._swap()

    def fail(self, problem: str) -> None:
        """Say that following the folder itself fails."""
        self._alarm("following", problem)

    def _is_due(self, name: str, path: Path) -> bool:
        found = stamp(path)
        is_same = name in self._stamps and self._stamps[name] == found
        if is_same and name not in self._problems:
            return False
        self._stamps[name] = found
        return True

    def _load(self, release_id: str) -> Release:
        manifest = self._reader.manifest(release_id)
        known = self._release.shards if self._release else {}
        shards = {
            entry.shard: known.get(entry.shard) or self._reader.site(manifest, site_id)
            for site_id, entry in manifest.sites.items()
        }
        return Release(manifest, shards)

    def _fall_back(self, error: ReleaseError) -> None:
        """Keep what is served; on a start, take the newest release that is sound."""
        if self._release is None:
            self._release = self._newest_sound()
        name = self._release.manifest.release_id if self._release else "nothing"
        self._alarm("release", f"{error} (serving {name})")

    def _newest_sound(self) -> Release | None:
        for release_id in self._reader.release_ids():
            try:
                return self._load(release_id)
            except ReleaseError as error:
                LOG.debug("cannot fall back to %s: %s", release_id, error)
        return None

    def _refuse_older(self, found: Switches) -> None:
        held = self._switches
        if held is not None and found.sequence < held.sequence:
            path = self._reader.layout.switches
            raise ReleaseError(
                f"{path}: sequence {found.sequence} is older than {held.sequence}, "
                "which holds; restore it from a backup, or set the switches again"
            )

    def _kept_switches(self, error: ReleaseError) -> str:
        if self._switches is None:
            return f"{error} (until then every test gives its control)"
        return f"{error} (sequence {self._switches.sequence} still holds)"

    def _alarm(self, name: str, problem: str) -> None:
        if self._problems.get(name) != problem:
            LOG.error("ALARM %s: %s", name, problem)
        self._problems[name] = problem

    def _well(self, name: str) -> None:
        if self._problems.pop(name, None) is not None:
            LOG.warning("%s is sound again", name)

    def _swap(self) -> None:
        with self._swapping:
            if self._release is not None:
                self.serving = _serving(self._release, self._switches, self.serving)


def _serving(release: Release, switches: Switches | None, before: Serving) -> Serving:
    built: dict[Key, Site] = {}
    sites: dict[str, Site] = {}
    now = datetime.now(UTC)
    for site_id, entry in release.manifest.sites.items():
        shard = release.shards[entry.shard]
        is_off = switches is not None and site_id in switches.sites_off
        tests_off = _tests_off(shard, switches)
        key = (entry.shard, is_off, tests_off)
        built[key] = before.built.get(key) or _site(shard, tests_off, is_off, now)
        sites[entry.client_key] = built[key]
    sequence = None if switches is None else switches.sequence
    return Serving(sites, built, release.manifest.release_id, sequence)


def _site(
    shard: Shard, tests_off: frozenset[str], is_off: bool, built_at: datetime
) -> Site:
    found = answer(shard, tests_off=tests_off, is_off=is_off, built_at=built_at)
    seen = frozenset(test.test_id for test in shard.tests if is_visual(test))
    groups = saved_groups(shard)
    return Site(shard, tests_off, is_off, found, groups, seen)


def _tests_off(shard: Shard, switches: Switches | None) -> frozenset[str]:
    """Return the tests that give their control; all while the switches are unknown."""
    tests = frozenset(test.test_id for test in shard.tests)
    return tests if switches is None else tests & frozenset(switches.tests_off)


def stamp(path: Path) -> Stamp:
    """Return what changes whenever a file is replaced; none where it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
