"""A guardrail that was crossed while a test ran, and what became of it."""

from datetime import datetime
from typing import Literal

from code24.contracts.wire import Contract, Slug

AlarmOutcome = Literal["ended", "cleared"]
"""``ended``: the test was rolled back, or ended otherwise; ``cleared``: the warehouse's
counts did not bear it out, and the test is shown again."""


class Alarm(Contract, frozen=True, kw_only=True):
    """From its raising to its end everybody sees the control of the test."""

    alarm_id: int
    site_id: Slug
    test_id: Slug
    variant: str
    """The variant that has surely lost more than is tolerated."""
    value: float
    """The share of the control's rate that it seemed to have lost."""
    tolerated: float
    """The share that may be lost."""
    raised_at: datetime
    settled_at: datetime | None = None
    outcome: AlarmOutcome | None = None
