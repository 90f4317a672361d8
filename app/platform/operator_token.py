"""The operator's token: made once, readable by its owner alone."""

import os
import secrets
from pathlib import Path

from code24.errors import Code24Error

FILE = "operator.token"
OTHERS = 0o077
"""The permission bits of group and others, none of which the token may have."""


class TokenError(Code24Error):
    """The operator's token cannot be made or trusted."""


def ensure_token(keys: Path) -> str:
    """Return the token of ``keys/operator.token``, made (0600) where it is absent.

    Raises:
        TokenError: it cannot be written or read, is empty, or others may read it.
    """
    path = keys / FILE
    try:
        keys.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            _make(path)
        return _checked(path)
    except OSError as error:
        raise TokenError(f"{path}: {error.strerror}; see to its rights") from error


def _make(path: Path) -> None:
    """Write a file of our own whole, then name it, unless another was quicker."""
    temporary = path.with_name(f".{FILE}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(32) + "\n")
        file.flush()
        os.fsync(file.fileno())
    if not path.exists():
        temporary.rename(path)
    temporary.unlink(missing_ok=True)


def _checked(path: Path) -> str:
    if path.stat().st_mode & OTHERS:
        raise TokenError(f"{path}: others may read it; make it yours: chmod 600 {path}")
    token = path.read_text(encoding="utf-8").strip()
    if not token:
        raise TokenError(f"{path}: is empty; delete it, a new one is made at the start")
    return token
