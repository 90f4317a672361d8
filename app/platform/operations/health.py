"""Whether the control API can do its work."""

from typing import Literal

from app.platform.operations.operation import Call, Operation
from code24.contracts.wire import Contract
from code24.state import sites


class Health(Contract, frozen=True, kw_only=True):
    """Whether the control API can do its work; 503 and ``degraded`` where not."""

    status: Literal["ok", "degraded"] = "ok"
    degraded: bool = False
    reason: str | None = None


def _health(call: Call) -> Health:
    sites.site_version(call.state)
    return Health()


HEALTH = (
    Operation("GET", "/health", "Whether the control API works.", _health, Health),
)
