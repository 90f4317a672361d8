"""How long a site's events are kept, where it is another time than the setting's."""

from datetime import datetime

import sqlalchemy as sa

from code24.contracts.wire import Contract
from code24.privacy.retention import Retention
from code24.state import audit, sites
from code24.state.errors import StateError
from code24.state.store import State
from code24.state.tables import retention

MOST_DAYS = 36_500


class KeptDays(Contract, frozen=True, kw_only=True):
    """How long one site's events are kept."""

    site_id: str
    days: int
    """Days after an event happened; 0 keeps it until it is erased."""
    is_own: bool
    """Whether the site has a time of its own, or the setting's."""


def kept_days(state: State, days: int) -> list[KeptDays]:
    """Return how long each site's events are kept.

    Args:
        state: The shared state.
        days: The setting's, ``CODE24_RETENTION_DAYS``.
    """
    own = own_days(state)
    return [
        KeptDays(
            site_id=one.site_id,
            days=own.get(one.site_id, days),
            is_own=one.site_id in own,
        )
        for one in sites.list_sites(state)
    ]


def own_days(state: State) -> dict[str, int]:
    """Return the days of the sites that have a time of their own."""
    with state.read() as connection:
        rows = connection.execute(sa.select(retention)).mappings()
        return {row["site_id"]: row["days"] for row in rows}


def retention_of(state: State, days: int, now: datetime) -> Retention:
    """Return what is kept how long, as the setting and the sites say.

    Args:
        state: The shared state.
        days: The setting's, ``CODE24_RETENTION_DAYS``.
        now: When it is asked.
    """
    return Retention(now, days, own_days(state))


def set_days(
    state: State, site_id: str, days: int | None, *, actor: str, now: datetime
) -> None:
    """Keep a site's events for so many days; for the setting's, where none is given.

    Raises:
        StateError: the number is not from 1 to ``MOST_DAYS``.
        NotKnownError: there is no such site.
    """
    if days is not None and not 1 <= days <= MOST_DAYS:
        raise StateError(f"--days {days}: must be a number from 1 to {MOST_DAYS}")
    is_own = retention.c.site_id == site_id
    with state.write() as connection:
        sites.require(connection, site_id)
        before = connection.execute(sa.select(retention.c.days).where(is_own)).scalar()
        if before == days:
            return
        connection.execute(sa.delete(retention).where(is_own))
        if days is not None:
            connection.execute(sa.insert(retention).values(site_id=site_id, days=days))
        audit.append(
            connection,
            "retention.set",
            f"site:{site_id}",
            actor=actor,
            now=now,
            before=before,
            after=days,
        )
