"""The websites, their goals and their public keys."""

import secrets
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from code24.contracts.site import DEFAULT_EVENTS_PER_SECOND, Site
from code24.contracts.wire import GoalType
from code24.state import audit, tables
from code24.state.checked import checked
from code24.state.errors import NotKnownError, StateError
from code24.state.store import State


def add_site(
    state: State,
    site_id: str,
    host: str,
    vertical: str,
    goals: Sequence[GoalType],
    *,
    actor: str,
    now: datetime,
) -> Site:
    """Add a site with new random keys; added before and equal, it is returned.

    Raises:
        StateError: a value is not allowed, the site is there and differs, or its
            host is another site's.
    """
    wanted = checked(_new_site(site_id, host, vertical, goals))
    with state.write() as connection:
        known = _find(connection, site_id)
        if known is not None:
            return _same(known, wanted)
        _refuse_erased(connection, site_id)
        _refuse_taken_host(connection, wanted)
        _insert(connection, wanted, actor=actor, now=now)
    return wanted


def set_access(
    state: State,
    site_id: str,
    *,
    origins: Sequence[str] | None = None,
    events_per_second: int | None = None,
    actor: str,
    now: datetime,
) -> Site:
    """Set which pages may use a site's keys, and how many events it may send.

    What is not given stays. An empty list of origins lets any page use them.

    Raises:
        StateError: a value is not allowed.
        NotKnownError: there is no such site.
    """
    given = {"origins": origins, "events_per_second": events_per_second}
    changes = {name: value for name, value in given.items() if value is not None}
    with state.write() as connection:
        before = require(connection, site_id)
        after = checked(msgspec.structs.replace(before, **changes))
        if after == before:
            return before
        change_id = audit.append(
            connection,
            "site.set_access",
            f"site:{site_id}",
            actor=actor,
            now=now,
            before=before,
            after=after,
        )
        _write_access(connection, after, change_id)
    return after


def list_sites(state: State) -> list[Site]:
    """Return every site, by id."""
    with state.read() as connection:
        return _select(connection)


def get_site(state: State, site_id: str) -> Site:
    """Return one site.

    Raises:
        NotKnownError: there is no such site.
    """
    with state.read() as connection:
        return require(connection, site_id)


def site_version(state: State) -> int:
    """Return a number that is another one after any site has changed; cheap."""
    query = sa.select(sa.func.coalesce(sa.func.max(tables.sites.c.change_id), 0))
    with state.read() as connection:
        return int(connection.execute(query).scalar_one())


def require(connection: Connection, site_id: str) -> Site:
    """Return one site within a transaction.

    Raises:
        NotKnownError: there is no such site.
    """
    found = _find(connection, site_id)
    if found is None:
        raise NotKnownError(f"site {site_id!r} is not known: code24 site list")
    return found


def known_ids(connection: Connection) -> set[str]:
    """Return the ids of all sites that ``require`` would return, in one read."""
    ids = tables.sites.c.site_id
    erased = sa.select(tables.erased_sites.c.site_id)
    return set(connection.execute(sa.select(ids).where(ids.not_in(erased))).scalars())


def _new_site(
    site_id: str, host: str, vertical: str, goals: Sequence[GoalType]
) -> Site:
    try:
        return Site(
            site_id=site_id,
            host=host,
            vertical=vertical,
            goals=tuple(goals),
            write_key=f"wk_{secrets.token_hex(16)}",
            client_key=f"ck_{secrets.token_hex(16)}",
        )
    except ValueError as error:
        raise StateError(str(error)) from error


def _same(known: Site, wanted: Site) -> Site:
    for name in ("host", "vertical", "goals"):
        is_, would_be = getattr(known, name), getattr(wanted, name)
        if is_ != would_be:
            raise StateError(
                f"site {known.site_id!r} is there with {name} {is_!r}, not "
                f"{would_be!r}: choose another id"
            )
    return known


def _refuse_erased(connection: Connection, site_id: str) -> None:
    erased = tables.erased_sites.c
    query = sa.select(erased.erased_at).where(erased.site_id == site_id)
    if connection.execute(query).scalar() is not None:
        raise StateError(
            f"site {site_id!r} was erased, and its id names no other site: choose "
            "another id"
        )


def _refuse_taken_host(connection: Connection, wanted: Site) -> None:
    query = sa.select(tables.sites.c.site_id).where(tables.sites.c.host == wanted.host)
    other = connection.execute(query).scalar()
    if other is not None:
        raise StateError(
            f"site {wanted.site_id!r}: host {wanted.host!r} is site {other!r} already"
        )


def _insert(connection: Connection, site: Site, *, actor: str, now: datetime) -> None:
    change_id = audit.append(
        connection, "site.add", f"site:{site.site_id}", actor=actor, now=now, after=site
    )
    connection.execute(
        sa.insert(tables.sites).values(
            site_id=site.site_id,
            host=site.host,
            vertical=site.vertical,
            write_key=site.write_key,
            client_key=site.client_key,
            change_id=change_id,
        )
    )
    connection.execute(
        sa.insert(tables.goals),
        [
            {"site_id": site.site_id, "goal_type": goal, "position": position}
            for position, goal in enumerate(site.goals)
        ],
    )


def _write_access(connection: Connection, site: Site, change_id: int) -> None:
    access = tables.site_access
    connection.execute(sa.delete(access).where(access.c.site_id == site.site_id))
    connection.execute(
        sa.insert(access).values(
            site_id=site.site_id,
            origins=list(site.origins),
            events_per_second=site.events_per_second,
        )
    )
    connection.execute(
        sa.update(tables.sites)
        .where(tables.sites.c.site_id == site.site_id)
        .values(change_id=change_id)
    )


def _find(connection: Connection, site_id: str) -> Site | None:
    found = _select(connection, site_id)
    return found[0] if found else None


def _select(connection: Connection, site_id: str | None = None) -> list[Site]:
    site, goal = tables.sites.c, tables.goals.c
    access = tables.site_access
    columns = (tables.sites, access.c.origins, access.c.events_per_second)
    rows = sa.select(*columns).join(access, isouter=True).order_by(site.site_id)
    rows = rows.where(site.site_id.not_in(sa.select(tables.erased_sites.c.site_id)))
    goals = sa.select(tables.goals).order_by(goal.site_id, goal.position)
    if site_id is not None:
        rows = rows.where(site.site_id == site_id)
        goals = goals.where(goal.site_id == site_id)
    goals_of: dict[str, list[GoalType]] = defaultdict(list)
    for entry in connection.execute(goals).mappings():
        goals_of[entry["site_id"]].append(entry["goal_type"])
    return [
        _site(row, goals_of[row["site_id"]])
        for row in connection.execute(rows).mappings()
    ]


def _site(row: RowMapping, goals: Sequence[GoalType]) -> Site:
    return Site(
        site_id=row["site_id"],
        host=row["host"],
        vertical=row["vertical"],
        goals=tuple(goals),
        write_key=row["write_key"],
        client_key=row["client_key"],
        origins=tuple(row["origins"] or ()),
        events_per_second=row["events_per_second"] or DEFAULT_EVENTS_PER_SECOND,
    )
