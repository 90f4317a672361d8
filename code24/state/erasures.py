"""Erasures: what was asked, how far each is, and the receipt; no id as it is."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from code24.contracts.wire import Contract
from code24.privacy.asked import ids_of
from code24.privacy.erased import Erased
from code24.privacy.subject import Subject, id_hash
from code24.state import audit
from code24.state.errors import NotKnownError
from code24.state.store import State
from code24.state.tables import erasure_salt, erasures

ErasureKind = Literal["visitor", "site"]


class Erasure(Contract, frozen=True, kw_only=True):
    """One erasure and its receipt."""

    erasure_id: str
    site_id: str
    kind: ErasureKind
    id_hashes: tuple[str, ...]
    """Keyed hashes of the visitor's ids, the one asked for first; none of a site."""
    requested_at: datetime
    requested_by: str
    status: Literal["running", "complete"]
    steps: dict[str, dict[str, Any]]
    """What was removed, by store; a store that is missing is still to be done."""
    finished_at: datetime | None


def salt(state: State) -> str:
    """Return the key of all hashes of this home, 64 hexadecimal digits."""
    with state.read() as connection:
        return str(connection.execute(sa.select(erasure_salt.c.salt)).scalar_one())


def subject(
    state: State,
    site_id: str,
    visitor: str | None,
    *,
    keys: Path,
    keeps_past: bool = False,
) -> Subject:
    """Return whom an erasure of this visitor, or of the site, would be about.

    Args:
        state: The open shared state.
        site_id: The site.
        visitor: An id as the operator knows it; none means the whole site.
        keys: The home's folder of keys: the doors' pseudonyms of the id count too.
        keeps_past: Of a site: whether its finished tests go on informing the priors.

    Raises:
        PseudonymError: the key of pseudonyms cannot be read.
    """
    key = salt(state)
    if visitor is None:
        return Subject(site_id, key, keeps_past=keeps_past)
    ids = ids_of(visitor, site_id, keys)
    return Subject(site_id, key, asked=visitor).with_ids(ids)


def begin(state: State, of: Subject, *, actor: str, now: datetime) -> Erasure:
    """Note an erasure before anything is removed; from then on nothing comes back.

    One that was begun for the same visitor or site and has not ended goes on, with
    the ids that it had found and those that are given.
    """
    key = _key(of)
    with state.write() as connection:
        known = _unfinished(connection, of.site_id, key)
        if known is not None:
            hashes = (*known.id_hashes, *sorted(of.hashes - {*known.id_hashes}))
            _set(connection, known.erasure_id, id_hashes=list(hashes))
            return _require(connection, known.erasure_id)
        erasure_id = f"erasure-{uuid4().hex[:12]}"
        connection.execute(
            sa.insert(erasures).values(
                erasure_id=erasure_id,
                site_id=of.site_id,
                kind="site" if of.is_site else "visitor",
                id_hashes=_in_order(key, of.hashes),
                requested_at=now,
                requested_by=actor,
                status="running",
                steps={},
            )
        )
        _note(
            connection, "erasure.begin", erasure_id, actor, now, {"siteId": of.site_id}
        )
        return _require(connection, erasure_id)


def note_step(
    state: State, erasure_id: str, store: str, removed: Mapping[str, Any]
) -> None:
    """Note that a store is done, and what was removed from it."""
    with state.write() as connection:
        steps = _require(connection, erasure_id).steps
        _set(connection, erasure_id, steps={**steps, store: dict(removed)})


def finish(state: State, erasure_id: str, *, actor: str, now: datetime) -> Erasure:
    """Note that every store is done; return the receipt."""
    with state.write() as connection:
        _set(connection, erasure_id, status="complete", finished_at=now)
        receipt = _require(connection, erasure_id)
        _note(connection, "erasure.finish", erasure_id, actor, now, receipt.steps)
        return receipt


def list_erasures(state: State, site_id: str | None = None) -> list[Erasure]:
    """Return all erasures, or a site's, the newest first."""
    query = sa.select(erasures).order_by(erasures.c.requested_at.desc())
    if site_id is not None:
        query = query.where(erasures.c.site_id == site_id)
    with state.read() as connection:
        return [_erasure(row) for row in connection.execute(query).mappings()]


def get_erasure(state: State, erasure_id: str) -> Erasure:
    """Return one erasure.

    Raises:
        NotKnownError: there is no such erasure.
    """
    with state.read() as connection:
        return _require(connection, erasure_id)


def version(state: State) -> tuple[int, int]:
    """Return what differs after any erasure began or found another id; cheap."""
    query = sa.select(
        sa.func.count(), sa.func.coalesce(sa.func.sum(sa.func.length(_HASH_TEXT)), 0)
    ).select_from(erasures)
    with state.read() as connection:
        count, length = connection.execute(query).one()
        return int(count), int(length)


def erased(state: State) -> Erased:
    """Return whose earlier events are not to be taken, begun erasures too."""
    visitors: dict[str, dict[str, datetime]] = {}
    sites: dict[str, datetime] = {}
    for one in reversed(list_erasures(state)):
        if one.kind == "site":
            sites[one.site_id] = one.requested_at
        hashes = dict.fromkeys(one.id_hashes, one.requested_at)
        visitors.setdefault(one.site_id, {}).update(hashes)
    return Erased(salt(state), visitors, sites)


_HASH_TEXT = sa.cast(erasures.c.id_hashes, sa.Text)


def _key(of: Subject) -> str | None:
    """Return the hash of the one id that was asked for."""
    if of.is_site:
        return None
    return id_hash(of.salt, of.site_id, of.asked)


def _in_order(key: str | None, hashes: frozenset[str]) -> list[str]:
    return [] if key is None else [key, *sorted(hashes - {key})]


def _unfinished(
    connection: Connection, site_id: str, key: str | None
) -> Erasure | None:
    query = sa.select(erasures).where(
        erasures.c.site_id == site_id, erasures.c.status == "running"
    )
    rows = map(_erasure, connection.execute(query).mappings())
    return next((one for one in rows if _first(one.id_hashes) == key), None)


def _first(hashes: Iterable[str]) -> str | None:
    return next(iter(hashes), None)


def _require(connection: Connection, erasure_id: str) -> Erasure:
    query = sa.select(erasures).where(erasures.c.erasure_id == erasure_id)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise NotKnownError(f"erasure {erasure_id!r} is not known: code24 erase list")
    return _erasure(row)


def _erasure(row: RowMapping) -> Erasure:
    values = {name: row[name] for name in Erasure.__struct_fields__}
    return Erasure(**{**values, "id_hashes": tuple(row["id_hashes"])})


def _set(connection: Connection, erasure_id: str, **values: Any) -> None:
    query = sa.update(erasures).where(erasures.c.erasure_id == erasure_id)
    connection.execute(query.values(**values))


def _note(
    connection: Connection,
    action: str,
    erasure_id: str,
    actor: str,
    now: datetime,
    after: Any,
) -> None:
    subject_name = f"erasure:{erasure_id}"
    audit.append(connection, action, subject_name, actor=actor, now=now, after=after)
