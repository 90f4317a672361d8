"""What the workers say to one another (the founding document's protocol)."""

from typing import Any, Literal

from code24.contracts.wire import Contract, Slug

MessageType = Literal["optimization_request", "analytics_event", "test_result"]
Priority = Literal["low", "medium", "high", "urgent"]
PRIORITY_NUMBER: dict[Priority, int] = {"urgent": 1, "high": 3, "medium": 5, "low": 8}
"""``optimization_jobs.priority``: the smaller, the sooner."""


JobKind = Literal["analysis", "priors", "release", "forecast"]
"""What can be asked for; ``orchestration/kinds`` has a file for each, which says what
it materialises."""
WORKER_TYPE: dict[JobKind, str] = {
    "analysis": "ab_testing",
    "priors": "ab_testing",
    "release": "platform",
    "forecast": "ab_testing",
}
"""The founding document's worker of each kind (``optimization_jobs.worker_type``)."""
BECOMES: dict[MessageType, JobKind] = {
    "analytics_event": "analysis",
    "test_result": "priors",
    "optimization_request": "analysis",
}
"""The kind of job that a message becomes; a payload's ``kind`` goes before it."""


class WorkerMessage(Contract, frozen=True, kw_only=True):
    """One message, kept in the outbox until a consumer has turned it into a job."""

    type: MessageType
    site_id: Slug
    priority: Priority
    payload: dict[str, Any]
    timestamp: int
    """Milliseconds since the Unix epoch."""
