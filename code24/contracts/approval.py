"""A decision that waits for an operator's word."""

from typing import Literal

from code24.contracts.decision import Decision
from code24.contracts.wire import Contract, Moment

ApprovalStatus = Literal["requested", "approved", "rejected"]


class Approval(Contract, frozen=True, kw_only=True):
    """A decision as it would be taken, and what an operator said of it."""

    approval_id: str
    """The decision's id."""
    site_id: str
    subject: str
    proposal: Decision
    status: ApprovalStatus
    requested_by: str
    requested_at: Moment
    answered_by: str | None
    answered_at: Moment | None
