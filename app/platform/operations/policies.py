"""How far the platform goes by itself on each site."""

from typing import Annotated

import msgspec

from app.platform.operations.operation import (
    OPERATOR,
    Call,
    Operation,
    now,
    publish_change,
    sent,
)
from code24.contracts.site_policy import MAX_HOLDOUT, SitePolicy
from code24.contracts.wire import Contract
from code24.state import site_policies


class PolicyChange(Contract, frozen=True, kw_only=True):
    """What is to be settled anew; what is not given stays as it is."""

    is_approval_needed: bool | None = None
    is_shared: bool | None = None
    holdout: Annotated[float, msgspec.Meta(ge=0.0, le=MAX_HOLDOUT)] | None = None


def _policy(call: Call) -> SitePolicy:
    return site_policies.get_policy(call.state, call.path["site_id"])


def _set_policy(call: Call) -> SitePolicy:
    given = msgspec.structs.asdict(sent(call, PolicyChange))
    changes = {name: value for name, value in given.items() if value is not None}
    site_id = call.path["site_id"]
    policy = site_policies.set_policy(
        call.state, site_id, actor=OPERATOR, now=now(), **changes
    )
    publish_change(call, {"by": OPERATOR, "for": f"policy of site {site_id}"})
    return policy


POLICIES = (
    Operation(
        "GET",
        "/v1/sites/{site_id}/policy",
        "How far the platform goes by itself on a site.",
        _policy,
        SitePolicy,
    ),
    Operation(
        "POST",
        "/v1/sites/{site_id}/policy",
        "Settle anew what is given; a holdout is published at once.",
        _set_policy,
        SitePolicy,
        body=PolicyChange,
    ),
)
