"""A customer's website, its goals and its public keys."""

from typing import Annotated

import msgspec

from code24.contracts.wire import Contract, GoalType, Slug

Host = Annotated[
    str,
    msgspec.Meta(
        max_length=253, pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]+)?\Z"
    ),
]


Origin = Annotated[
    str,
    msgspec.Meta(
        max_length=300, pattern=r"^https?://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]+)?\Z"
    ),
]
"""A page's origin as browsers write it: scheme, host, a port that is not the usual."""
DEFAULT_EVENTS_PER_SECOND = 10_000
"""More than any site of this platform's kind sends, and less than the collector takes:
a site that runs wild leaves others room. Ten seconds of it may come at once."""


class Site(Contract, frozen=True, kw_only=True):
    """One website and what it is run towards; the first goal is its main one."""

    site_id: Slug
    host: Host
    vertical: Slug
    goals: tuple[GoalType, ...]
    write_key: str
    """Public; lets a client send events."""
    client_key: str
    """Public; names the site's features to GrowthBook clients."""
    origins: tuple[Origin, ...] = ()
    """Pages that may use the keys; any where none is listed."""
    events_per_second: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = (
        DEFAULT_EVENTS_PER_SECOND
    )
    """How many events the collector takes of it, on average."""

    def __post_init__(self) -> None:
        """Reject a site without a goal, or with one goal twice."""
        if not self.goals:
            raise ValueError(
                f"site {self.site_id!r}: goals must name at least one goal"
            )
        if len(set(self.goals)) != len(self.goals):
            raise ValueError(f"site {self.site_id!r}: a goal stands twice in goals")
