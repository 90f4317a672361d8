"""The decisions that wait for an operator's word."""

from typing import Annotated

import msgspec

from app.platform.operations.operation import (
    OPERATOR,
    Call,
    Operation,
    asked,
    now,
    publish_change,
)
from code24.contracts.approval import Approval, ApprovalStatus
from code24.contracts.decision import Decision
from code24.contracts.wire import Contract
from code24.state import approvals

MOST = 1_000
"""Proposals in one answer; each carries its evidence, a few kilobytes."""


class ApprovalList(Contract, frozen=True, kw_only=True):
    """The proposals, the newest first, and how many of all wait."""

    approvals: list[Approval]
    waiting: int


class ApprovalFilter(Contract, frozen=True, kw_only=True):
    """Which proposals."""

    site_id: str | None = None
    status: ApprovalStatus | None = None
    limit: Annotated[int, msgspec.Meta(ge=0, le=MOST)] = MOST


def _approvals(call: Call) -> ApprovalList:
    wanted = asked(call, ApprovalFilter)
    found = approvals.list_approvals(
        call.state, wanted.site_id, wanted.status, limit=wanted.limit
    )
    waiting = approvals.count_waiting(call.state)
    return ApprovalList(approvals=found, waiting=waiting)


def _approve(call: Call) -> Decision:
    approval_id = call.path["approval_id"]
    decided = approvals.approve(call.state, approval_id, actor=OPERATOR, now=now())
    publish_change(call, {"by": OPERATOR, "for": f"approval {approval_id}"})
    return decided


def _reject(call: Call) -> Approval:
    approval_id = call.path["approval_id"]
    return approvals.reject(call.state, approval_id, actor=OPERATOR, now=now())


APPROVALS = (
    Operation(
        "GET",
        "/v1/approvals",
        "The decisions that wait for approval, and those that were answered.",
        _approvals,
        ApprovalList,
        ApprovalFilter,
    ),
    Operation(
        "POST",
        "/v1/approvals/{approval_id}/approve",
        "Take the decision as it was proposed, and publish it.",
        _approve,
        Decision,
    ),
    Operation(
        "POST",
        "/v1/approvals/{approval_id}/reject",
        "Refuse the decision; it is proposed again on new evidence alone.",
        _reject,
        Approval,
    ),
)
