"""What pages may be told of single persons: recommendations and actions.

Scores are not among it: they stay in the warehouse, as a page's key is public.
"""

from typing import Annotated, Any

import msgspec

from code24.contracts.wire import Contract, Identifier, Moment, Slug

IdHash = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}\Z")]
"""``code24.privacy.subject.id_hash`` of the person's id."""


class Recommendation(Contract, frozen=True, kw_only=True):
    """What to show in one place of the site, the best first."""

    slot: Slug
    """also-bought, next-article, …"""
    items: Annotated[tuple[Identifier, ...], msgspec.Meta(min_length=1, max_length=50)]


class Action(Contract, frozen=True, kw_only=True):
    """What a page is to do for this person."""

    action_id: Slug
    """offer-annual-plan, ask-for-a-call, …"""
    value: Any = None
    """What the page needs for it."""


class Member(Contract, frozen=True, kw_only=True):
    """One person of a site, known by a hash alone."""

    id_hash: IdHash
    recommendations: Annotated[
        tuple[Recommendation, ...], msgspec.Meta(max_length=20)
    ] = ()
    actions: Annotated[tuple[Action, ...], msgspec.Meta(max_length=20)] = ()


class Audience(Contract, frozen=True, kw_only=True):
    """The signed head of one site's audience: which file holds it."""

    site_id: Slug
    made_at: Moment
    members: Annotated[int, msgspec.Meta(ge=0)]
    digest: str
    """SHA-256 of the file, which it is named by."""
    provenance: dict[str, Any] = msgspec.field(default_factory=dict)
    """The models that made it, and from what."""
    v: int = 1
