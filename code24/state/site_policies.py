"""How far each site lets the platform go by itself."""

from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from code24.contracts.site_policy import SitePolicy
from code24.state import audit, requests, sites
from code24.state.checked import checked
from code24.state.store import State
from code24.state.tables import site_policies
from code24.state.tables import sites as all_sites


def get_policy(state: State, site_id: str) -> SitePolicy:
    """Return a site's policy.

    Raises:
        NotKnownError: there is no such site.
    """
    with state.read() as connection:
        sites.require(connection, site_id)
        return find(connection, site_id)


def list_policies(state: State) -> dict[str, SitePolicy]:
    """Return every site's policy by its id."""
    with state.read() as connection:
        ids = connection.execute(sa.select(all_sites.c.site_id)).scalars().all()
        rows = connection.execute(sa.select(site_policies)).mappings()
        own = {row["site_id"]: SitePolicy(**row) for row in rows}
    return {site_id: own.get(site_id, SitePolicy(site_id=site_id)) for site_id in ids}


def set_policy(
    state: State, site_id: str, *, actor: str, now: datetime, **changes: Any
) -> SitePolicy:
    """Change a site's policy; what is not given stays.

    Args:
        state: The shared state.
        site_id: The site.
        actor: Who does it.
        now: When.
        changes: Fields of ``SitePolicy`` with their new values.

    Raises:
        StateError: a value is not allowed.
        NotKnownError: there is no such site.
    """
    with state.write() as connection:
        sites.require(connection, site_id)
        before = find(connection, site_id)
        after = checked(msgspec.structs.replace(before, **changes))
        if after == before:
            return before
        _replace(connection, after)
        subject = f"site:{site_id}"
        audit.append(
            connection,
            "site.policy",
            subject,
            actor=actor,
            now=now,
            before=before,
            after=after,
        )
        if after.holdout != before.holdout:
            requests.publish_soon(connection, site_id, actor=actor, now=now)
    return after


def find(connection: Connection, site_id: str) -> SitePolicy:
    """Return a site's policy within a transaction; the default where none is set."""
    query = sa.select(site_policies).where(site_policies.c.site_id == site_id)
    row = connection.execute(query).mappings().first()
    return SitePolicy(site_id=site_id) if row is None else SitePolicy(**row)


def _replace(connection: Connection, after: SitePolicy) -> None:
    is_its = site_policies.c.site_id == after.site_id
    connection.execute(sa.delete(site_policies).where(is_its))
    values = msgspec.structs.asdict(after)
    connection.execute(sa.insert(site_policies).values(values))
