"""A random secret in a file of its own, for the user who runs Code24 alone."""

import os
import secrets
from pathlib import Path

SECRET_BYTES = 32


def kept_secret(path: Path) -> bytes:
    """Return the secret in ``path``; whichever process comes first makes it.

    Raises:
        OSError: the file cannot be read or made.
    """
    if not path.exists():
        _make(path)
    return path.read_bytes()


def _make(path: Path) -> None:
    """Link a whole file to its name, so that nobody reads or makes half a secret."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(SECRET_BYTES))
            file.flush()
            os.fsync(file.fileno())
        _link(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _link(draft: Path, path: Path) -> None:
    try:
        os.link(draft, path)
    except FileExistsError:
        return  # another process was first, and its secret is the one
