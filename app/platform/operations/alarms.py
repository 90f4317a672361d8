"""The guardrails that running tests crossed."""

from app.platform.operations.operation import Call, Operation, asked
from code24.contracts.alarm import Alarm
from code24.contracts.wire import Contract
from code24.state import alarms


class AlarmList(Contract, frozen=True, kw_only=True):
    """The alarms, the newest first."""

    alarms: list[Alarm]


class AlarmFilter(Contract, frozen=True, kw_only=True):
    """Which alarms."""

    site_id: str | None = None
    test_id: str | None = None
    is_open: bool = False


def _alarms(call: Call) -> AlarmList:
    wanted = asked(call, AlarmFilter)
    found = alarms.list_alarms(
        call.state, wanted.site_id, wanted.test_id, is_open=wanted.is_open
    )
    return AlarmList(alarms=found)


ALARMS = (
    Operation(
        "GET",
        "/v1/alarms",
        "The guardrails that running tests crossed, and what became of each.",
        _alarms,
        AlarmList,
        AlarmFilter,
    ),
)
