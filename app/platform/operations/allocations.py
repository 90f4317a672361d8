"""By which rule the visitors of a test are shared out."""

from typing import Annotated

import msgspec

from app.platform.operations.operation import (
    OPERATOR,
    Call,
    Operation,
    now,
    publish_change,
    sent,
)
from code24.contracts.allocation import Allocation, AllocationKind
from code24.contracts.experiment import Share
from code24.contracts.forecast import Forecast
from code24.contracts.wire import Contract
from code24.state import allocations, forecasts
from code24.state.checked import checked


class AllocationChange(Contract, frozen=True, kw_only=True):
    """What is to be settled anew; what is not given stays as it is."""

    kind: AllocationKind | None = None
    floor: Annotated[float, msgspec.Meta(gt=0.0, le=0.5)] | None = None
    least_units: Annotated[int, msgspec.Meta(ge=10)] | None = None
    half_life_days: Annotated[float, msgspec.Meta(ge=1.0, le=365.0)] | None = None
    steps: tuple[Share, ...] | None = None


def _allocation(call: Call) -> Allocation:
    return allocations.get_allocation(call.state, call.path["test_id"])


def _try_out(call: Call) -> Forecast:
    wanted = _wanted(call)
    return forecasts.try_out(call.state, wanted, actor=OPERATOR, now=now())


def _set(call: Call) -> Allocation:
    wanted = _wanted(call)
    found = allocations.set_allocation(call.state, wanted, actor=OPERATOR, now=now())
    provenance = {"by": OPERATOR, "for": f"allocation of test {wanted.test_id}"}
    publish_change(call, provenance)
    return found


def _wanted(call: Call) -> Allocation:
    given = msgspec.structs.asdict(sent(call, AllocationChange))
    changes = {name: value for name, value in given.items() if value is not None}
    before = allocations.get_allocation(call.state, call.path["test_id"])
    return _changed(before, changes)


def _changed(before: Allocation, changes: dict[str, object]) -> Allocation:
    """Return the rule with what was given; refuse it as a wrong request is."""
    try:
        return checked(msgspec.structs.replace(before, **changes))
    except ValueError as error:
        raise msgspec.ValidationError(str(error)) from error


ALLOCATIONS = (
    Operation(
        "GET",
        "/v1/tests/{test_id}/allocation",
        "By which rule a test's visitors are shared out.",
        _allocation,
        Allocation,
    ),
    Operation(
        "POST",
        "/v1/tests/{test_id}/allocation",
        "Settle anew what is given; the first step of a roll-out is published at once.",
        _set,
        Allocation,
        body=AllocationChange,
    ),
    Operation(
        "POST",
        "/v1/tests/{test_id}/allocation/forecast",
        "Ask what such a rule would do now, and would have brought on the visitors "
        "logged so far; nothing is set. A worker answers within seconds: look at the "
        "forecast of the id.",
        _try_out,
        Forecast,
        body=AllocationChange,
    ),
)
