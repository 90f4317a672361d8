"""Writing an audience: the file first, then the head, then the old file goes."""

import os
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import closing
from datetime import datetime
from hashlib import file_digest
from pathlib import Path
from typing import Any

import msgspec

from code24.audience.layout import SALT, AudienceLayout
from code24.audience.reading import connect, read_head
from code24.contracts.audience import Audience, Member
from code24.contracts.wire import encode
from code24.releases import durable
from code24.releases.errors import ReleaseError
from code24.releases.keys import load_pair, sign

TABLE = "create table members (id_hash text primary key, told blob) without rowid"


def publish(
    layout: AudienceLayout,
    keys: Path,
    members: Iterable[Member],
    *,
    salt: str,
    made_at: datetime,
    provenance: Mapping[str, Any],
) -> Audience:
    """Put an audience in place of the site's last one; pages are told from it at once.

    Args:
        layout: the site's files.
        keys: the folder of the signing key; the salt is put there for servers.
        members: each person once; written as they come, none is held.
        salt: what their ids are hashed with (``code24.state.erasures.salt``).
        made_at: when what is told was worked out.
        provenance: the models that made it, and from what.

    Raises:
        ReleaseError: a member breaks its contract or comes twice, there is no signing
            key, or the disk refuses.
    """
    key = load_pair(keys)
    layout.folder.mkdir(parents=True, exist_ok=True)
    with durable.locked(layout.folder / ".lock"):
        try:
            count = _write(layout.draft, members)
        except (OSError, sqlite3.Error, msgspec.ValidationError) as error:
            layout.draft.unlink(missing_ok=True)
            raise ReleaseError(f"audience of {layout.site_id!r}: {error}") from error
        _keep_salt(keys / SALT, salt)
        head = Audience(
            site_id=layout.site_id,
            made_at=made_at,
            members=count,
            digest=_placed(layout),
            provenance=dict(provenance),
        )
        durable.write(layout.head, sign(head, key))
        _tidy(layout, head.digest)
    return head


def remove(layout: AudienceLayout, keys: Path, id_hashes: Collection[str]) -> int:
    """Write a site's audience without these persons; return how many rows went.

    It may be killed anywhere and called again: then what is left is removed.

    Raises:
        ReleaseError: the audience cannot be trusted, or the disk refuses.
    """
    found = strays(layout, id_hashes)
    head = read_head(layout, load_pair(keys).public_key())
    if head is None:
        drop(layout)
        return found
    current = layout.file(head.digest)
    if count(current, id_hashes):
        members = (each for each in read(current) if each.id_hash not in id_hashes)
        publish(
            layout,
            keys,
            members,
            salt=(keys / SALT).read_text(encoding="ascii"),
            made_at=head.made_at,
            provenance=head.provenance,
        )
    else:
        _tidy(layout, head.digest)
    return found


def drop(layout: AudienceLayout) -> None:
    """Remove a site's audience, the head first."""
    for path in (layout.head, layout.draft, *layout.files()):
        path.unlink(missing_ok=True)


def strays(layout: AudienceLayout, id_hashes: Collection[str] | None = None) -> int:
    """Count rows in all of a site's files, of these persons or of everybody.

    A draft that was left lying counts as one: it may hold anybody.
    """
    rows = sum(count(path, id_hashes) for path in layout.files())
    return rows + layout.draft.exists()


def count(path: Path, id_hashes: Collection[str] | None) -> int:
    """Count the rows of one file, of these persons or of everybody."""
    with closing(connect(path)) as connection:
        if id_hashes is None:
            return int(connection.execute("select count(*) from members").fetchone()[0])
        query = "select count(*) from members where id_hash = ?"
        rows = (connection.execute(query, (one,)).fetchone() for one in id_hashes)
        return sum(int(row[0]) for row in rows)


def read(path: Path) -> Iterator[Member]:
    """Yield the members of one file, by hash."""
    with closing(connect(path)) as connection:
        for (told,) in connection.execute("select told from members order by id_hash"):
            yield msgspec.json.decode(told, type=Member)


def _write(draft: Path, members: Iterable[Member]) -> int:
    draft.unlink(missing_ok=True)
    with closing(sqlite3.connect(draft)) as connection:
        connection.execute("pragma journal_mode = off")
        connection.execute(TABLE)
        rows = ((each.id_hash, _checked(each)) for each in members)
        connection.executemany("insert into members values (?, ?)", rows)
        connection.commit()
        return int(connection.execute("select count(*) from members").fetchone()[0])


def _checked(member: Member) -> bytes:
    told = encode(member)
    msgspec.json.decode(told, type=Member)
    return told


def _placed(layout: AudienceLayout) -> str:
    """Sync the draft, name it by its SHA-256, and return that."""
    with layout.draft.open("rb") as file:
        os.fsync(file.fileno())
        digest = file_digest(file, "sha256").hexdigest()
    layout.draft.replace(layout.file(digest))
    durable.sync_folder(layout.folder)
    return digest


def _keep_salt(path: Path, salt: str) -> None:
    if not path.exists() or path.read_text(encoding="ascii") != salt:
        durable.write(path, salt.encode("ascii"), 0o600)


def _tidy(layout: AudienceLayout, digest: str) -> None:
    layout.draft.unlink(missing_ok=True)
    for path in layout.files():
        if path != layout.file(digest):
            path.unlink()
