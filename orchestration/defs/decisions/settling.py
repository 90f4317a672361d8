"""Whether a decision is taken at once, or waits for an operator's word."""

from code24.contracts.decision import Decision
from code24.contracts.site_policy import SitePolicy
from code24.state import State, approvals, experiments
from code24.state import decisions as log

ACTOR = "loop"
"""Who decided, in the decision log and the audit log."""
WAITS = "its planned end has come, and the decision to ship waits for approval"


def settle(
    state: State, decision: Decision, policy: SitePolicy, *, is_ending: bool = False
) -> bool:
    """Record a decision, or propose it where the site asks; tell whether it was new.

    The planned end is an operator's word already: a stop then is taken at once, and so
    is one by a guardrail, which protects visitors. What is to be shipped at the planned
    end waits, while everybody sees the control.
    """
    is_seen = decision.kind in log.CHANGED
    if not is_seen or not policy.is_approval_needed:
        return log.record(state, decision, actor=ACTOR)
    if decision.kind == "stop" and (is_ending or "guardrail" in decision.evidence):
        return log.record(state, decision, actor=ACTOR)
    is_new = approvals.propose(state, decision, actor=ACTOR)
    if is_ending:
        experiments.transition(
            state,
            decision.test_id,
            "paused",
            actor=ACTOR,
            now=decision.decided_at,
            reason=WAITS,
        )
    return is_new
