"""The saved groups of each site, which conditions of its tests refer to."""

from collections.abc import Mapping
from datetime import datetime

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from code24.contracts.experiment import Experiment
from code24.contracts.saved_group import SavedGroup
from code24.state import audit, experiment_rows, requests, sites
from code24.state.checked import checked
from code24.state.errors import NotKnownError, StateError
from code24.state.store import State
from code24.state.tables import ab_tests, saved_groups
from code24.targeting.strict import groups_in


def list_groups(state: State, site_id: str) -> list[SavedGroup]:
    """Return a site's groups, by id.

    Raises:
        NotKnownError: there is no such site.
    """
    with state.read() as connection:
        sites.require(connection, site_id)
        return [group for _, group in _found(connection, site_id)]


def by_site(state: State) -> Mapping[str, dict[str, SavedGroup]]:
    """Return the groups of all sites, by site and id."""
    groups: dict[str, dict[str, SavedGroup]] = {}
    with state.read() as connection:
        for site_id, group in _found(connection):
            groups.setdefault(site_id, {})[group.group_id] = group
    return groups


def put_group(
    state: State, site_id: str, group: SavedGroup, *, actor: str, now: datetime
) -> SavedGroup:
    """Add a group or put it in place of what it was; what is served follows.

    Raises:
        StateError: it names persons, or a value is wrong.
        NotKnownError: there is no such site.
    """
    wanted = checked(group)
    with state.write() as connection:
        sites.require(connection, site_id)
        before = dict(_by_id(connection, site_id)).get(wanted.group_id)
        if before == wanted:
            return wanted
        _delete(connection, site_id, wanted.group_id)
        values = msgspec.structs.asdict(wanted)
        row = {"site_id": site_id, **values, "values": list(wanted.values)}
        connection.execute(sa.insert(saved_groups).values(row))
        _note(connection, site_id, before, wanted, actor=actor, now=now)
    return wanted


def remove_group(
    state: State, site_id: str, group_id: str, *, actor: str, now: datetime
) -> None:
    """Remove a group to which no test refers.

    Raises:
        StateError: a test refers to it; names the test.
        NotKnownError: there is no such site or group.
    """
    with state.write() as connection:
        sites.require(connection, site_id)
        before = dict(_by_id(connection, site_id)).get(group_id)
        if before is None:
            raise NotKnownError(f"group {group_id!r} of site {site_id!r} is not known")
        is_its = ab_tests.c.site_id == site_id
        rows = connection.execute(experiment_rows.select_tests().where(is_its))
        for test in map(experiment_rows.experiment_of, rows.mappings()):
            if group_id in groups_of(test):
                raise StateError(f"group {group_id!r}: test {test.test_id!r} asks it")
        _delete(connection, site_id, group_id)
        _note(connection, site_id, before, None, actor=actor, now=now)


def groups_of(test: Experiment) -> set[str]:
    """Return the groups to which a test's condition refers."""
    return set() if test.targeting is None else groups_in(test.targeting.condition)


def require_groups(connection: Connection, test: Experiment) -> None:
    """Pass where every group to which a test refers is there.

    Raises:
        NotKnownError: one is not; names it.
    """
    wanted = groups_of(test)
    if not wanted:
        return
    known = {group_id for group_id, _ in _by_id(connection, test.site_id)}
    for missing in sorted(wanted - known):
        raise NotKnownError(
            f"test {test.test_id!r}: group {missing!r} of site {test.site_id!r} is not "
            f"known; make it: code24 group set {test.site_id} {missing} --help"
        )


def _by_id(connection: Connection, site_id: str) -> list[tuple[str, SavedGroup]]:
    return [(group.group_id, group) for _, group in _found(connection, site_id)]


def _found(
    connection: Connection, site_id: str | None = None
) -> list[tuple[str, SavedGroup]]:
    table = saved_groups.c
    query = sa.select(saved_groups).order_by(table.site_id, table.group_id)
    if site_id is not None:
        query = query.where(table.site_id == site_id)
    return [
        (
            row["site_id"],
            SavedGroup(
                group_id=row["group_id"],
                attribute=row["attribute"],
                values=tuple(row["values"]),
            ),
        )
        for row in connection.execute(query).mappings()
    ]


def _delete(connection: Connection, site_id: str, group_id: str) -> None:
    table = saved_groups.c
    is_its = sa.and_(table.site_id == site_id, table.group_id == group_id)
    connection.execute(sa.delete(saved_groups).where(is_its))


def _note(
    connection: Connection,
    site_id: str,
    before: SavedGroup | None,
    after: SavedGroup | None,
    *,
    actor: str,
    now: datetime,
) -> None:
    """Audit how many values there are, and ask for a release."""
    told = [
        group and {"groupId": group.group_id, "values": len(group.values)}
        for group in (before, after)
    ]
    audit.append(
        connection,
        "site.group",
        f"site:{site_id}",
        actor=actor,
        now=now,
        before=told[0],
        after=told[1],
    )
    requests.publish_soon(connection, site_id, actor=actor, now=now)
