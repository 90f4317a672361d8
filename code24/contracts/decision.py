"""What was decided about a test, on what evidence, by which policy."""

from typing import Any, Literal

from code24.contracts.wire import Contract, Moment, Slug

DecisionKind = Literal["keep", "shift", "stop", "ship", "hold"]
"""``hold``: the data is not sound (sample ratio, checks), so nothing is concluded."""


class Decision(Contract, frozen=True, kw_only=True):
    """One entry of the append-only decision log.

    ``decision_id`` is derived from test, kind, evidence and policy, so deciding
    again on unchanged evidence adds nothing.
    """

    decision_id: str
    test_id: Slug
    site_id: Slug
    kind: DecisionKind
    reason: str
    """One sentence for the operator, with the figures it rests on."""
    variant: Slug | None
    """The variant shipped or stopped for; none for keep and hold."""
    is_claimed: bool
    """Whether the win is called proven, which is another question than shipping."""
    evidence: dict[str, Any]
    policy: dict[str, Any]
    decided_at: Moment
