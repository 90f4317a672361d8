"""What is served: a signed manifest, a content-addressed shard a site, switches."""

from typing import Any

import msgspec

from code24.contracts.experiment import Experiment, Share
from code24.contracts.saved_group import SavedGroup
from code24.contracts.wire import Contract, Moment, Slug


class Shard(Contract, frozen=True, kw_only=True):
    """All that the dispatcher needs to serve one site; named by its digest."""

    site_id: Slug
    host: str
    client_key: str
    tests: tuple[Experiment, ...]
    """Running tests are assigned; complete ones serve their winner to everyone."""
    holdout: Share = 0.0
    """Share of units that no test takes and no winner reaches."""
    saved_groups: dict[str, SavedGroup] = msgspec.field(default_factory=dict)
    """The lists to which its tests' conditions refer, by id."""
    v: int = 1


class ShardEntry(Contract, frozen=True, kw_only=True):
    """Where one site's shard lies."""

    client_key: str
    host: str
    shard: str
    """SHA-256 of the shard's bytes."""


class Manifest(Contract, frozen=True, kw_only=True):
    """The whole of one release: which shard each site is served from."""

    release_id: str
    created_at: Moment
    sites: dict[str, ShardEntry]
    previous: str | None = None
    provenance: dict[str, Any] = msgspec.field(default_factory=dict)
    v: int = 1


class Switches(Contract, frozen=True, kw_only=True):
    """The kill switch, read before any shard; a higher sequence always wins."""

    sequence: int
    sites_off: tuple[str, ...] = ()
    """Sites that are served nothing at all."""
    tests_off: tuple[str, ...] = ()
    """Tests whose visitors all get the control."""
    v: int = 1


class Signed(Contract, frozen=True, kw_only=True):
    """A document with its signature, in one file, so that both change at once."""

    payload: str
    """The signed bytes, UTF-8."""
    signature: str
    """Ed25519 over ``payload``, base64."""
    key_id: str
    """The first 16 hexadecimal characters of the public key's SHA-256."""
