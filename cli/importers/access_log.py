"""Access logs of web servers (common and combined format) as page views.

A log holds addresses. They end here: a visitor is a hash of address and user agent for
one day, keyed with a random salt that lies below the home until it is deleted; no
event and no dead letter has an address.
"""

import re
import secrets
from calendar import month_abbr
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from cli.importers import lines
from cli.importers.importer import (
    BadRow,
    EventRow,
    ImportFileError,
    ImportItem,
    Request,
    SkippedRow,
    required_site,
)
from code24.secret_file import kept_secret

SALT = "access-log.salt"
SALT_BYTES = 32
_QUOTED = r'"((?:[^"\\]|\\.)*)"'
_HOST = r"(?:[\w.-]+\.[\w.-]*[A-Za-z][\w.-]*|localhost)(?::\d+)?"
_LINE = re.compile(
    rf"(?:(?P<vhost>{_HOST}) (?=\S+ \S+ \S+ [^\[]*\[))?"
    r"(?P<address>\S+) (?P<ident>\S+) (?P<user>[^\[]*?) \[(?P<time>[^\]]+)\] "
    rf"{_QUOTED.replace('(', '(?P<request>', 1)} (?P<status>\d{{3}}) (?P<bytes>\d+|-)"
    rf"(?: {_QUOTED.replace('(', '(?P<referrer>', 1)}"
    rf" {_QUOTED.replace('(', '(?P<agent>', 1)})?.*",
    re.DOTALL,
)
"""Apache's and nginx's combined format, or common without the last two fields.

A virtual host may stand first (``%v:%p`` of vhost_combined); what a server appends is
ignored.
"""
_MONTHS = {name: number for number, name in enumerate(month_abbr) if name}
"""In English, whatever the machine's language: no locale is ever set."""
_TIME = re.compile(r"(\d\d)/(\w{3})/(\d{4}):(\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)")
ASSETS = re.compile(
    r"\.(?:css|js|mjs|map|png|jpe?g|gif|webp|avif|svg|ico|bmp|woff2?|ttf|eot|otf|mp[34]"
    r"|webm|ogg|wav|avi|mov|pdf|zip|gz|bz2|xz|tar|tgz|rar|7z|exe|dmg|iso|deb|rpm|jar"
    r"|json|xml|rss|atom|txt|csv|wasm|swf)$",
    re.IGNORECASE,
)
"""Paths of what is no page, by their ending."""
NO_PAGES = ("/favicon", "/robots.txt", "/feed", "/wp-json/", "/.well-known/")
MOST_URL = 4_096


class Hit(NamedTuple):
    """One line of a log, taken apart."""

    vhost: str | None
    address: str
    time: str
    request: str
    status: int
    referrer: str | None
    agent: str | None


class AccessLog:
    """A page view for each page that was served to ``GET``; the rest is skipped.

    A page that failed (400 and above) is an interaction named ``error``.
    """

    name = "access-log"
    about = "Access log, common or combined format (.gz): page views, bots flagged"
    options: Mapping[str, str] = {
        "vhost": "take the lines of this virtual host alone (the first field)",
        "host": "the host in the pages' addresses (the line's, else the site's)",
    }

    def sniff(self, path: Path) -> bool:
        """Say whether most of the first lines are an access log's."""
        found = lines.head(path)
        hits = sum(parsed(line.decode(errors="replace")) is not None for line in found)
        return hits * 2 > len(found)

    def read(self, path: Path, request: Request) -> Iterator[ImportItem]:
        """Yield an item a line."""
        reading = _Reading(path, request)
        for line in lines.read(path, request.meter):
            if line.problem is not None:
                yield BadRow(line.problem, f"{path.name}:{line.number}", "")
            elif line.text.strip():
                yield reading.item(line)


def parsed(text: str) -> Hit | None:
    """Take a line apart; none where it is of neither format."""
    found = _LINE.fullmatch(text)
    if found is None:
        return None
    return Hit(
        found["vhost"],
        found["address"],
        found["time"],
        found["request"],
        int(found["status"]),
        found["referrer"],
        found["agent"],
    )


class _Reading:
    """One file on its way: its site, its options, its salt."""

    def __init__(self, path: Path, request: Request) -> None:
        self._name = path.name
        self._site_id = required_site(request, path)
        self._vhost = request.options.get("vhost")
        self._host = request.options.get("host")
        self._site_host = request.host or self._site_id
        self._salt = _salt(request.keys)

    def item(self, line: lines.Line) -> ImportItem:
        """Return what a line is."""
        source = f"{self._name}:{line.number}"
        hit = parsed(line.text.decode(errors="replace"))
        if hit is None:
            # not even its beginning is shown: it may be an address
            return BadRow("invalid: no line of an access log", source, "")
        if self._vhost and _name(hit.vhost) != self._vhost.lower():
            return SkippedRow("another virtual host")
        try:
            return self._hit(hit, line.text, source)
        except ValueError as error:
            return BadRow(f"invalid: {error}", source, hit.request)

    def _hit(self, hit: Hit, text: bytes, source: str) -> ImportItem:
        if "\ufffd" in hit.request:
            raise ValueError("the request is not UTF-8")
        method, path = _request(hit.request)
        reason = _skipped(method, path, hit.status)
        if reason is not None:
            return SkippedRow(reason)
        return EventRow(self._event(hit, path, text), source)

    def _event(self, hit: Hit, path: str, text: bytes) -> dict[str, Any]:
        moment = _time(hit.time)
        day = moment.astimezone(UTC).date().isoformat()
        host = self._host or _name(hit.vhost) or self._site_host
        is_error = hit.status >= 400
        metadata: dict[str, Any] = {"status": hit.status, "isCookieless": True}
        if is_error:
            metadata["name"] = "error"
        if _there(hit.agent):
            metadata["userAgent"] = hit.agent
        return {
            "id": self._hash(text),
            "siteId": self._site_id,
            "eventType": "interaction" if is_error else "page_view",
            "visitorId": self._hash(f"{day}\n{hit.address}\n{hit.agent}".encode()),
            "timestamp": moment.isoformat(),
            "url": f"https://{host}{path}"[:MOST_URL],
            "referrer": _there(hit.referrer),
            "metadata": metadata,
        }

    def _hash(self, text: bytes) -> str:
        return blake2b(text, key=self._salt, digest_size=16).hexdigest()


def _there(field: str | None) -> str | None:
    """Return a field; none where the server had nothing to put there."""
    return field[:MOST_URL] if field and field != "-" else None


def _request(text: str) -> tuple[str, str]:
    """Return method and path; a proxy's request names a whole address.

    Raises:
        ValueError: it is no request, as of who speaks another protocol.
    """
    parts = text.split(" ")
    if len(parts) < 2 or not parts[0].isalpha():
        raise ValueError("the request has no method and path")
    target = parts[1]
    if not target.startswith("/"):
        found = urlsplit(target)
        target = (found.path or "/") + (f"?{found.query}" if found.query else "")
    return parts[0].upper(), target


def _skipped(method: str, path: str, status: int) -> str | None:
    """Return why a request is no page view; none where it is one, or failed as one."""
    bare = path.partition("?")[0]
    if method != "GET":
        return f"method {method}"[:20]
    if ASSETS.search(bare) or bare.startswith(NO_PAGES):
        return "no page"
    is_seen = 200 <= status < 300 or status == 304 or status >= 400
    return None if is_seen else "redirect"


def _name(vhost: str | None) -> str | None:
    return vhost.partition(":")[0].lower() if vhost else None


@lru_cache(10_000)
def _time(text: str) -> datetime:
    found = _TIME.fullmatch(text)
    month = _MONTHS.get(found[2]) if found else None
    if found is None or month is None:
        raise ValueError(f"{text!r} is no time")
    hours, minutes = int(found[8]), int(found[9])
    offset = timedelta(hours=hours, minutes=minutes) * (-1 if found[7] == "-" else 1)
    day, year, hour, minute, second = (int(found[n]) for n in (1, 3, 4, 5, 6))
    local = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
    return local - offset


def _salt(keys: Path | None) -> bytes:
    """Return the salt of this home, drawn once, so that a file read again is known."""
    if keys is None:
        return secrets.token_bytes(SALT_BYTES)
    try:
        return kept_secret(keys / SALT)
    except OSError as error:
        raise ImportFileError(f"{keys / SALT}: no salt can be kept: {error}") from error


IMPORTER = AccessLog()
