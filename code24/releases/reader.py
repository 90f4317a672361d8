"""Reads releases, and trusts nothing that is not signed or named by its digest."""

from hashlib import sha256
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from code24.contracts.release import Manifest, Shard, ShardEntry, Switches
from code24.releases import layout
from code24.releases.errors import NoReleaseError, ReleaseError
from code24.releases.keys import load_public, verified, way_out
from code24.releases.layout import Layout

NO_SWITCHES = Switches(sequence=0)


class Reader:
    """The reading half of the store; needs the public key alone and takes no lock."""

    def __init__(self, releases: Path, public_key: Path) -> None:
        self.layout = Layout(releases)
        self._public_key = public_key

    @property
    def _key(self) -> Ed25519PublicKey:
        return load_public(self._public_key)

    def current_id(self) -> str:
        """Return the id of the release that is served.

        Raises:
            NoReleaseError: nothing has been published yet.
            ReleaseError: ``CURRENT`` does not hold a release id.
        """
        path = self.layout.current
        try:
            text = path.read_bytes().strip()
        except FileNotFoundError:
            raise NoReleaseError(
                f"{path}: no release is published yet; try: code24 run"
            ) from None
        except OSError as error:
            raise ReleaseError(f"{path}: {error.strerror}; {way_out(path)}") from None
        name = text[:64].decode("utf-8", "replace")
        if not layout.RELEASE_ID.fullmatch(name):
            raise ReleaseError(f"{path}: {name!r} is no release id; {way_out(path)}")
        return name

    def current(self) -> Manifest:
        """Return the manifest that is served.

        Raises:
            NoReleaseError: nothing has been published yet.
            ReleaseError: the pointer or the manifest cannot be trusted.
        """
        return self.manifest(self.current_id())

    def manifest(self, release_id: str) -> Manifest:
        """Return one manifest, its signature checked.

        Raises:
            ReleaseError: it is absent, damaged, forged, or another release's.
        """
        path = self.layout.manifest(release_id)
        if not path.exists():
            raise ReleaseError(
                f"{path}: release {release_id} is not kept here; see: "
                "code24 release list"
            )
        manifest = verified(path, _read(path), self._key, Manifest)
        named = layout.release_id(layout.number(release_id), manifest.sites)
        if not release_id == manifest.release_id == named:
            raise ReleaseError(
                f"{path}: holds release {manifest.release_id}; {way_out(path)}"
            )
        return manifest

    def shard(self, entry: ShardEntry) -> Shard:
        """Return one site's shard, its checksum checked.

        Raises:
            ReleaseError: it is absent, damaged, or another site's.
        """
        path = self.layout.shard(entry.shard)
        content = _read(path)
        if sha256(content).hexdigest() != entry.shard:
            raise ReleaseError(
                f"{path}: its checksum is wrong, so it is damaged or was changed; "
                f"{way_out(path)}"
            )
        shard = _shard(path, content)
        if (shard.client_key, shard.host) != (entry.client_key, entry.host):
            raise ReleaseError(
                f"{path}: is of {shard.host} and not of {entry.host}; {way_out(path)}"
            )
        return shard

    def site(self, manifest: Manifest, site_id: str) -> Shard:
        """Return the shard from which a release serves a site, wholly checked.

        Raises:
            ReleaseError: it is absent, damaged, or another site's.
        """
        entry = manifest.sites[site_id]
        shard = self.shard(entry)
        if shard.site_id != site_id:
            path = self.layout.shard(entry.shard)
            raise ReleaseError(f"{path}: is of {shard.site_id}; {way_out(path)}")
        return shard

    def switches(self) -> Switches:
        """Return the kill switch; sequence 0, nothing off, where none was ever set.

        Raises:
            ReleaseError: the file is damaged or forged.
        """
        path = self.layout.switches
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return NO_SWITCHES
        except OSError as error:
            raise ReleaseError(f"{path}: {error.strerror}; {way_out(path)}") from None
        return verified(path, content, self._key, Switches)

    def release_ids(self) -> list[str]:
        """Return the ids of all releases kept, damaged ones too, the newest first."""
        return self.layout.release_ids()

    def releases(self) -> list[Manifest]:
        """Return the manifests kept whose signature is right, the newest first.

        A damaged one is left out; ``release_ids`` has it and ``verify`` says why.
        """
        return [
            manifest
            for release_id in self.release_ids()
            if isinstance(manifest := self._try(release_id), Manifest)
        ]

    def verify(self, release_id: str) -> list[str]:
        """Check signature and every shard; return what is wrong, nothing if whole."""
        manifest = self._try(release_id)
        if isinstance(manifest, ReleaseError):
            return [str(manifest)]
        problems = (self._problem(manifest, site_id) for site_id in manifest.sites)
        return [problem for problem in problems if problem is not None]

    def _try(self, release_id: str) -> Manifest | ReleaseError:
        try:
            return self.manifest(release_id)
        except ReleaseError as error:
            return error

    def _problem(self, manifest: Manifest, site_id: str) -> str | None:
        try:
            self.site(manifest, site_id)
        except ReleaseError as error:
            return f"site {site_id}: {error}"
        return None


def _shard(path: Path, content: bytes) -> Shard:
    try:
        return msgspec.json.decode(content, type=Shard)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ReleaseError(
            f"{path}: not a shard that this version reads ({error}); {way_out(path)}"
        ) from None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ReleaseError(f"{path}: {error.strerror}; {way_out(path)}") from None
