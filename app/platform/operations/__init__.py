"""What the control API can do, as data: routed and described from one list.

One file a noun; a new noun is a new file, and its name in ``OPERATIONS``.
"""

from app.platform.operations.alarms import ALARMS
from app.platform.operations.allocations import ALLOCATIONS
from app.platform.operations.approvals import APPROVALS
from app.platform.operations.decisions import DECISIONS
from app.platform.operations.forecasts import FORECASTS
from app.platform.operations.groups import GROUPS
from app.platform.operations.health import HEALTH
from app.platform.operations.jobs import JOBS
from app.platform.operations.operation import Operation
from app.platform.operations.policies import POLICIES
from app.platform.operations.privacy import PRIVACY
from app.platform.operations.sites import SITES
from app.platform.operations.slots import SLOTS
from app.platform.operations.switches import SWITCHES
from app.platform.operations.tests import TESTS

__all__ = ["OPERATIONS"]

OPERATIONS: tuple[Operation, ...] = (
    *HEALTH,
    *SITES,
    *POLICIES,
    *GROUPS,
    *SLOTS,
    *TESTS,
    *ALLOCATIONS,
    *FORECASTS,
    *DECISIONS,
    *ALARMS,
    *APPROVALS,
    *JOBS,
    *PRIVACY,
    *SWITCHES,
)
