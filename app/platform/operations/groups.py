"""The lists that conditions of a site's tests refer to."""

from app.platform.operations.operation import (
    OPERATOR,
    Call,
    Operation,
    now,
    publish_change,
    sent,
)
from code24.contracts.saved_group import SavedGroup
from code24.contracts.wire import Contract
from code24.state import saved_groups


class GroupList(Contract, frozen=True, kw_only=True):
    """A site's saved groups, by id."""

    groups: list[SavedGroup]


def _groups(call: Call) -> GroupList:
    return GroupList(groups=saved_groups.list_groups(call.state, call.path["site_id"]))


def _set_group(call: Call) -> SavedGroup:
    wanted, site_id = sent(call, SavedGroup), call.path["site_id"]
    group = saved_groups.put_group(
        call.state, site_id, wanted, actor=OPERATOR, now=now()
    )
    provenance = f"group {group.group_id} of site {site_id}"
    publish_change(call, {"by": OPERATOR, "for": provenance})
    return group


GROUPS = (
    Operation(
        "GET",
        "/v1/sites/{site_id}/groups",
        "The lists that conditions of a site's tests refer to.",
        _groups,
        GroupList,
    ),
    Operation(
        "POST",
        "/v1/sites/{site_id}/groups",
        "Make a group, or put it in place of what it was, and publish that.",
        _set_group,
        SavedGroup,
        body=SavedGroup,
    ),
)
