"""The decision log, and the way back."""

from app.platform.operations.operation import (
    OPERATOR,
    Call,
    Operation,
    asked,
    now,
    publish_change,
)
from code24.contracts.decision import Decision
from code24.contracts.wire import Contract
from code24.state import decisions


class DecisionList(Contract, frozen=True, kw_only=True):
    """The decisions in the order they were taken."""

    decisions: list[Decision]


class DecisionFilter(Contract, frozen=True, kw_only=True):
    """Which decisions."""

    test_id: str | None = None


def _decisions(call: Call) -> DecisionList:
    wanted = asked(call, DecisionFilter)
    found = decisions.list_decisions(call.state, wanted.test_id)
    return DecisionList(decisions=found)


def _undo(call: Call) -> Decision:
    decision_id = call.path["decision_id"]
    undoing = decisions.undo(call.state, decision_id, actor=OPERATOR, now=now())
    publish_change(call, {"undo": decision_id})
    return undoing


DECISIONS = (
    Operation(
        "GET",
        "/v1/decisions",
        "The decision log.",
        _decisions,
        DecisionList,
        DecisionFilter,
    ),
    Operation(
        "POST",
        "/v1/decisions/{decision_id}/undo",
        "Bring a test back to where it was before a decision, and publish that; the "
        "log keeps both.",
        _undo,
        Decision,
    ),
)
