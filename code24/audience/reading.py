"""Reading an audience: only what is signed, one person at a time."""

import sqlite3
from hashlib import file_digest
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from code24.audience.layout import AudienceLayout
from code24.contracts.audience import Audience, Member
from code24.releases.errors import ReleaseError
from code24.releases.keys import verified


class OpenAudience:
    """One site's audience, open for reading; memory does not grow with it."""

    def __init__(self, head: Audience, path: Path) -> None:
        self.head = head
        self._connection = connect(path)

    def find(self, id_hash: str) -> Member | None:
        """Return what may be told of a person; none of one who is not in it."""
        query = "select told from members where id_hash = ?"
        row = self._connection.execute(query, (id_hash,)).fetchone()
        return None if row is None else msgspec.json.decode(row[0], type=Member)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def connect(path: Path) -> sqlite3.Connection:
    """Open one file of an audience, which nobody changes, for any thread to read."""
    address = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    return sqlite3.connect(address, uri=True, check_same_thread=False)


def open_audience(layout: AudienceLayout, key: Ed25519PublicKey) -> OpenAudience | None:
    """Open a site's audience, signature and checksum checked; none where it has none.

    Raises:
        ReleaseError: the head or the file cannot be trusted.
    """
    head = read_head(layout, key)
    if head is None:
        return None
    path = layout.file(head.digest)
    try:
        with path.open("rb") as file:
            found = file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ReleaseError(f"{path}: {error.strerror}; publish it again") from None
    if found != head.digest:
        raise ReleaseError(
            f"{path}: its checksum is wrong, so it is damaged or was changed; publish "
            "it again"
        )
    return OpenAudience(head, path)


def read_head(layout: AudienceLayout, key: Ed25519PublicKey) -> Audience | None:
    """Return the signed head; none where the site has no audience.

    Raises:
        ReleaseError: it is damaged, forged, or another site's.
    """
    try:
        content = layout.head.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ReleaseError(f"{layout.head}: {error.strerror}") from None
    head = verified(layout.head, content, key, Audience)
    if head.site_id != layout.site_id:
        raise ReleaseError(f"{layout.head}: is of site {head.site_id}; publish again")
    return head
