"""Ids of visitors without a cookie: for one day, by salts that are then deleted.

After Plausible: a keyed hash of what a request tells, the key new each UTC day. Once a
day's salt is gone, nobody can tell which visitor an id was, or join two days. See
docs/decisions/0010.
"""

from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from pathlib import Path

from code24.errors import Code24Error
from code24.secret_file import kept_secret

ID_BYTES = 16
SESSION = timedelta(minutes=30)
"""A visitor who was seen within this is in the same session; as everywhere."""
MAX_SEEN = 200_000
"""Visitors remembered around midnight (some 30 MB); further ones may be split."""
ONE_DAY = timedelta(days=1)


class SaltError(Code24Error):
    """The salts cannot be read or written."""


class CookielessIds:
    """Makes ids of requests; one object a process, not for several threads.

    A session that crosses midnight keeps yesterday's id until it pauses for
    ``SESSION``: who was seen is remembered, in memory alone, from 23:30 on. A process
    that starts anew in that half hour splits such sessions.
    """

    def __init__(self, folder: Path) -> None:
        """Use the salts in ``folder``, which is made when the first id is."""
        self._folder = folder
        self._day: date | None = None
        self._today = b""
        self._yesterday: bytes | None = None
        self._seen: dict[bytes, datetime] = {}
        self._seen_yesterday: dict[bytes, datetime] = {}

    def visitor_id(
        self, site_id: str, address: str, user_agent: str, now: datetime
    ) -> str:
        """Return the id of who sent the request; ``now`` with time zone.

        Raises:
            SaltError: no salt can be kept.
        """
        now = now.astimezone(UTC)
        self.renew(now)
        message = "\n".join((site_id, address, user_agent)).encode(errors="replace")
        today = _hash(self._today, message)
        if self._yesterday is not None and self._seen_yesterday:
            before = _hash(self._yesterday, message)
            if self._is_in_session(before, now):
                self._seen_yesterday[before] = now
                return _text(before)
        if (now + SESSION).day != now.day and len(self._seen) < MAX_SEEN:
            self._seen[today] = now
        return _text(today)

    def renew(self, now: datetime) -> None:
        """Take up the day's salt and delete those before yesterday's.

        Raises:
            SaltError: no salt can be kept.
        """
        today = now.astimezone(UTC).date()
        if today == self._day:
            return
        try:
            self._take_up(today)
        except OSError as error:
            raise SaltError(
                f"{self._folder}: no salt can be kept: {error.strerror}"
            ) from error

    def _take_up(self, today: date) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        kept = {(today - ONE_DAY).isoformat(), today.isoformat()}
        for path in self._folder.iterdir():
            if path.name[:10] not in kept:
                path.unlink(missing_ok=True)
        self._today = kept_secret(self._folder / today.isoformat())
        yesterday = self._folder / (today - ONE_DAY).isoformat()
        self._yesterday = yesterday.read_bytes() if yesterday.exists() else None
        self._day = today
        self._seen_yesterday, self._seen = self._seen, {}

    def _is_in_session(self, identity: bytes, now: datetime) -> bool:
        seen_at = self._seen_yesterday.get(identity)
        if seen_at is None:
            return False
        if now - seen_at <= SESSION:
            return True
        del self._seen_yesterday[identity]
        return False


def _hash(salt: bytes, message: bytes) -> bytes:
    return blake2b(message, key=salt, digest_size=ID_BYTES).digest()


def _text(identity: bytes) -> str:
    return f"cl-{identity.hex()}"
