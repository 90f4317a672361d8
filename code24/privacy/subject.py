"""Whom an erasure is about: one visitor of a site by all ids, or a whole site."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any
from urllib.parse import quote, quote_plus

import msgspec

from code24.contracts.event import DeadLetter
from code24.contracts.wire import encode
from code24.privacy.identity import candidates, mentions

HASH_BYTES = 16
"""128 bits: no two of a billion ids meet by chance."""


def id_hash(salt: str, site_id: str, person: str) -> str:
    """Return the keyed hash that stands for a person's id of a site; 32 hex digits.

    Without the salt, which only the shared state has, an id cannot be tried out.
    """
    key = bytes.fromhex(salt)
    text = f"{site_id}|{person}".encode()
    return blake2b(text, digest_size=HASH_BYTES, key=key).hexdigest()


@dataclass(frozen=True, slots=True)
class Subject:
    """A visitor of a site, or, without ids, the site with all its visitors.

    Ids are known as they are in the run that was given them, and else by their
    hashes alone: what a run that was killed had found, another one finds again.
    """

    site_id: str
    salt: str
    hashes: frozenset[str] = frozenset()
    ids: frozenset[str] = frozenset()
    """Those of ``hashes`` that are known as they are."""
    asked: str = ""
    """The id that the erasure was asked for."""
    keeps_past: bool = False
    """Of a site: whether its finished tests go on informing the priors."""

    @property
    def is_site(self) -> bool:
        """Tell whether the whole site is meant."""
        return not self.hashes

    def with_ids(self, ids: Iterable[str]) -> "Subject":
        """Return the same visitor with further ids."""
        known = self.ids.union(ids)
        hashed = (id_hash(self.salt, self.site_id, one) for one in known)
        return replace(self, ids=known, hashes=self.hashes.union(hashed))

    def with_hashes(self, hashes: Iterable[str]) -> "Subject":
        """Return the same visitor with ids that are known by their hashes alone."""
        return replace(self, hashes=self.hashes.union(hashes))

    def names(self, person: str) -> bool:
        """Tell whether an id is one of this visitor's."""
        if person in self.ids:
            return True
        if len(self.ids) == len(self.hashes):
            return False
        return id_hash(self.salt, self.site_id, person) in self.hashes

    def owns(self, site_id: str, persons: Iterable[str]) -> bool:
        """Tell whether what names these persons of a site is this subject's."""
        if site_id != self.site_id:
            return False
        return self.is_site or any(map(self.names, persons))

    def owns_row(
        self, visitor_id: str, metadata: str, url: str | None, referrer: str | None
    ) -> bool:
        """Tell whether a row of events of this site is this subject's."""
        if self.is_site:
            return True
        fields = msgspec.json.decode(metadata, type=dict[str, Any])
        urls = (url or "", referrer or "")
        return self.owns(self.site_id, candidates(visitor_id, fields, urls))

    def owns_letter(self, letter: DeadLetter) -> bool:
        """Tell whether a dead letter is this subject's, as far as its text says."""
        found = mentions(f"{letter.body} {letter.reason}")
        site_id = site_of(letter)
        if self.is_site:
            return self.site_id == site_id if site_id else self.site_id in found
        return site_id in {None, self.site_id} and any(map(self.names, found))

    def needles(self) -> tuple[bytes, ...]:
        """Return texts one of which each record of the subject contains.

        No text where an id is known by its hash alone: then all are looked at.
        """
        if self.is_site:
            return (b'"' + self.site_id.encode() + b'"',)
        if len(self.ids) < len(self.hashes):
            return ()
        return tuple(sorted({form for one in self.ids for form in _spelled(one)}))


def _spelled(person: str) -> set[bytes]:
    """Return how an id stands in a record: in JSON, and in an address."""
    quoted = {quote(person, safe=""), quote(person), quote_plus(person)}
    forms = {encode(person).decode()[1:-1], *quoted, *map(str.lower, quoted)}
    return {form.encode() for form in forms}


class _OfSite(msgspec.Struct, rename="camel"):
    site_id: str | None = None


def site_of(letter: DeadLetter) -> str | None:
    """Return the site that a refused event names; none where it cannot be read."""
    try:
        found = msgspec.json.decode(letter.body, type=_OfSite).site_id
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        found = None
    return found or letter.site_id
