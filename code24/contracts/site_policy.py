"""How far a site lets the platform go by itself."""

from typing import Annotated

import msgspec

from code24.contracts.wire import Contract, Slug

MAX_HOLDOUT = 0.5
"""A holdout costs its visitors every gain; no proof needs more than half."""


class SitePolicy(Contract, frozen=True, kw_only=True):
    """What an operator has settled for one site; by default all goes by itself."""

    site_id: Slug
    is_approval_needed: bool = False
    """Whether a decision that visitors would see waits for an operator's word."""
    is_shared: bool = True
    """Whether the site's finished tests inform other sites' priors."""
    holdout: Annotated[float, msgspec.Meta(ge=0.0, le=MAX_HOLDOUT)] = 0.0
    """Share of units that are never shown a shipped variant, to see what it brings."""
