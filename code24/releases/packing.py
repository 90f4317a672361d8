"""Turns shards into bytes, and refuses those that may not be served."""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

import msgspec

from code24 import changes
from code24.contracts.release import Shard, ShardEntry
from code24.contracts.wire import encode
from code24.releases.errors import ReleaseError


@dataclass(frozen=True, slots=True)
class Packed:
    """One shard as it is written."""

    entry: ShardEntry
    content: bytes


def pack(shards: Iterable[Shard]) -> dict[str, Packed]:
    """Return each site's shard as bytes, by site id in order.

    Raises:
        ReleaseError: a shard breaks its contract, holds another site's test, one test
            twice or an unsafe change; or two shards share a site or a client key.
    """
    packed: dict[str, Packed] = {}
    owners: dict[str, str] = {}
    for shard in sorted(shards, key=lambda shard: shard.site_id):
        if shard.site_id in packed:
            raise ReleaseError(f"site {shard.site_id!r} has two shards; give it one")
        owner = owners.setdefault(shard.client_key, shard.site_id)
        if owner != shard.site_id:
            raise ReleaseError(
                f"sites {owner!r} and {shard.site_id!r} have the same client key "
                f"{shard.client_key!r}; each needs its own"
            )
        packed[shard.site_id] = _pack(shard)
    return packed


def _pack(shard: Shard) -> Packed:
    try:
        content = encode(shard)
        _check(msgspec.json.decode(content, type=Shard))
    except (msgspec.DecodeError, UnicodeError, changes.ChangeError) as error:
        raise ReleaseError(
            f"site {shard.site_id!r} cannot be published: {error}"
        ) from error
    name = sha256(content).hexdigest()
    entry = ShardEntry(client_key=shard.client_key, host=shard.host, shard=name)
    return Packed(entry, content)


def _check(shard: Shard) -> None:
    seen: set[str] = set()
    for test in shard.tests:
        if test.test_id in seen:
            raise ReleaseError(
                f"site {shard.site_id!r}: test {test.test_id!r} stands twice"
            )
        if test.site_id != shard.site_id:
            raise ReleaseError(
                f"site {shard.site_id!r}: test {test.test_id!r} is of site "
                f"{test.site_id!r}"
            )
        seen.add(test.test_id)
        for variant in test.variants:
            for change in variant.changes:
                changes.validate(change)
