"""Writes releases: new shards, a signed manifest, then the pointer, each durably."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from code24.contracts.release import Manifest, Shard, ShardEntry, Switches
from code24.contracts.wire import digest
from code24.releases import durable, layout
from code24.releases.errors import ReleaseError
from code24.releases.keys import (
    VERIFY_KEY,
    load_pair,
    sign,
)
from code24.releases.layout import Layout
from code24.releases.packing import Packed, pack
from code24.releases.reader import Reader

KEPT_MANIFESTS = 20
"""As far back as one can roll; older manifests and their own shards are removed."""


class Publisher:
    """The writing half of the store; needs the private key, excludes other writers."""

    def __init__(self, releases: Path, keys: Path) -> None:
        self._layout = Layout(releases)
        self._reader = Reader(releases, keys / VERIFY_KEY)
        self._keys = keys
        self._counter = keys / "switches.sequence"

    def publish(
        self,
        shards: Iterable[Shard],
        *,
        created_at: datetime,
        provenance: Mapping[str, Any],
    ) -> Manifest | None:
        """Publish all sites' shards as one release and serve it.

        Content equal to what is served, or to what was given last, publishes nothing:
        so a roll-back stays until there is something new to publish. Where the served
        release is damaged, the content is published whatever it is.

        Args:
            shards: one for every site; a site that is missing is served no more.
            created_at: the release's moment, with its time zone.
            provenance: what it was made from; kept in the manifest, never served.

        Returns:
            The new release; None where nothing changed.

        Raises:
            ReleaseError: a shard is invalid, the key is absent, the disk refuses, or
                another process publishes.
        """
        packed = pack(shards)
        key = load_pair(self._keys)
        with self._writing():
            self._write_missing(packed)
            sites = {site_id: one.entry for site_id, one in packed.items()}
            served = self._served()
            if served is not None and self._is_known(sites, served):
                return None
            manifest = Manifest(
                release_id=layout.release_id(self._next_number(), sites),
                created_at=created_at,
                sites=sites,
                previous=served.release_id if served else None,
                provenance=dict(provenance),
            )
            path = self._layout.manifest(manifest.release_id)
            durable.write(path, sign(manifest, key))
            self._serve(manifest.release_id)
            self._remember(sites)
            self._prune(manifest.release_id)
            return manifest

    def rollback(self, release_id: str) -> Manifest:
        """Serve an earlier release again; switches stay as they are.

        Raises:
            ReleaseError: it is not kept, or anything in it cannot be trusted; what is
                served stays as it is.
        """
        with self._writing():
            problems = self._reader.verify(release_id)
            if problems:
                raise ReleaseError(problems[0])
            self._serve(release_id)
            return self._reader.manifest(release_id)

    def set_switches(
        self, sites_off: Iterable[str], tests_off: Iterable[str]
    ) -> Switches:
        """Say which sites and tests are off, all of them, and return what now holds.

        The sequence grows with each change. It is also kept beside the signing key, so
        that it goes on where it was when ``switches.json`` is lost or damaged.

        Raises:
            ReleaseError: the key is absent, or the disk refuses.
        """
        key = load_pair(self._keys)
        with self._writing():
            return self._put_switches(sites_off, tests_off, key)

    def switch(
        self,
        *,
        is_off: bool,
        site_ids: Iterable[str] = (),
        test_ids: Iterable[str] = (),
    ) -> Switches:
        """Turn these sites and tests off, or on again; all others stay as they are.

        Returns:
            What now holds.

        Raises:
            ReleaseError: the switches cannot be trusted, the key is absent, or the disk
                refuses.
        """
        key = load_pair(self._keys)
        with self._writing():
            before = self._reader.switches()
            return self._put_switches(
                _switched(before.sites_off, site_ids, is_off=is_off),
                _switched(before.tests_off, test_ids, is_off=is_off),
                key,
            )

    def forget_site(self, site_id: str) -> int:
        """Remove the releases that hold a site, with its shards; return how many.

        One cannot roll back to them any more: they would serve what was erased.

        Raises:
            ReleaseError: the release that is served still holds the site, a manifest
                cannot be trusted, or the disk refuses.
        """
        with self._writing():
            served = self._served()
            if served is not None and site_id in served.sites:
                raise ReleaseError(
                    f"release {served.release_id} still serves site {site_id!r}; "
                    "publish one without it first: code24 run"
                )
            manifests = self._reader.releases()
            kept = [one for one in manifests if site_id not in one.sites]
            for one in manifests:
                if site_id in one.sites:
                    self._layout.manifest(one.release_id).unlink()
            self._remove_unused(kept)
            return len(manifests) - len(kept)

    def _put_switches(
        self, sites_off: Iterable[str], tests_off: Iterable[str], key: Ed25519PrivateKey
    ) -> Switches:
        sites, tests = tuple(sorted(set(sites_off))), tuple(sorted(set(tests_off)))
        last, counted = self._last_switches(), self._counted()
        is_newest = last.sequence >= counted
        if is_newest and (last.sites_off, last.tests_off) == (sites, tests):
            return last
        sequence = max(last.sequence, counted) + 1
        switches = Switches(sequence=sequence, sites_off=sites, tests_off=tests)
        content = sign(switches, key)
        durable.write(self._counter, str(sequence).encode("ascii"))
        durable.write(self._layout.switches, content)
        return switches

    @contextmanager
    def _writing(self) -> Iterator[None]:
        folders = (self._layout.folder, self._layout.manifests, self._layout.shards)
        try:
            with durable.locked(self._layout.lock):
                for folder in folders:
                    folder.mkdir(parents=True, exist_ok=True)
                    durable.remove_temporaries(folder)
                yield
        except OSError as error:
            raise ReleaseError(
                f"{error.filename or self._layout.folder}: cannot be written "
                f"({error.strerror}); see to space and rights, then try again: what "
                "was served before is still served"
            ) from error

    def _write_missing(self, packed: Mapping[str, Packed]) -> None:
        for one in packed.values():
            path = self._layout.shard(one.entry.shard)
            if not path.exists() or path.read_bytes() != one.content:
                durable.write(path, one.content)

    def _served(self) -> Manifest | None:
        """Return what is served; None where nothing is that one can read."""
        try:
            return self._reader.current()
        except ReleaseError:
            return None

    def _is_known(self, sites: Mapping[str, ShardEntry], served: Manifest) -> bool:
        if sites == served.sites:
            self._remember(sites)
            return True
        return self._offered() == digest(sites)

    def _offered(self) -> str:
        path = self._layout.offered
        return path.read_text(encoding="ascii").strip() if path.exists() else ""

    def _remember(self, sites: Mapping[str, ShardEntry]) -> None:
        if self._offered() != digest(sites):
            durable.write(self._layout.offered, digest(sites).encode("ascii"))

    def _next_number(self) -> int:
        return max(map(layout.number, self._layout.release_ids()), default=0) + 1

    def _serve(self, release_id: str) -> None:
        path = self._layout.current
        if not path.exists() or path.read_bytes().strip() != release_id.encode():
            durable.write(path, f"{release_id}\n".encode("ascii"))

    def _last_switches(self) -> Switches:
        """Return the last switches; where they are damaged, none that would hold."""
        try:
            return self._reader.switches()
        except ReleaseError:
            return Switches(sequence=-1)

    def _counted(self) -> int:
        if not self._counter.exists():
            return 0
        text = self._counter.read_text(encoding="ascii").strip()
        if not text.isdecimal():
            raise ReleaseError(
                f"{self._counter}: {text[:40]!r} is no number; write the last sequence "
                "that was served into it"
            )
        return int(text)

    def _prune(self, served: str) -> None:
        ids = self._layout.release_ids()
        kept = {*ids[:KEPT_MANIFESTS], served}
        dropped = [release_id for release_id in ids if release_id not in kept]
        if not dropped:
            return
        manifests = [m for m in self._reader.releases() if m.release_id in kept]
        for release_id in dropped:
            self._layout.manifest(release_id).unlink()
        if len(manifests) == len(kept):
            self._remove_unused(manifests)

    def _remove_unused(self, manifests: Iterable[Manifest]) -> None:
        used = {entry.shard for m in manifests for entry in m.sites.values()}
        for path in self._layout.shards.glob("*.json"):
            if path.stem not in used:
                path.unlink()


def _switched(before: Iterable[str], names: Iterable[str], *, is_off: bool) -> set[str]:
    return set(before) | set(names) if is_off else set(before) - set(names)
