"""How many tests of a site run at once, what waits, what a slot is worth."""

from typing import Annotated

import msgspec

from app.platform.operations.operation import (
    OPERATOR,
    Call,
    Operation,
    Trying,
    asked,
    now,
    sent,
)
from code24.contracts.slots import GREATEST_WORTH, Queue
from code24.contracts.wire import Contract
from code24.state import slots as queues


class SlotsChange(Contract, frozen=True, kw_only=True):
    """What is to be settled anew; what is not given stays as it is."""

    slots: Annotated[int, msgspec.Meta(ge=0, le=queues.MOST)] | None = None
    worth: Annotated[float, msgspec.Meta(ge=0.0, le=GREATEST_WORTH)] | None = None
    """Of a day of a slot, as a relative lift over the horizon."""
    is_worth_learned: bool = False
    """Whether the worth is to be learned from the queue again."""


def _queue(call: Call) -> Queue:
    return queues.get_queue(call.state, call.path["site_id"])


def _set(call: Call) -> Queue:
    wanted, site_id = sent(call, SlotsChange), call.path["site_id"]
    if wanted.is_worth_learned and wanted.worth is not None:
        raise msgspec.ValidationError("worth: either a value, or isWorthLearned")
    if asked(call, Trying).dry_run:
        return queues.get_queue(call.state, site_id, wanted.slots)
    state, moment = call.state, now()
    if wanted.slots is not None:
        queues.set_slots(state, site_id, wanted.slots, actor=OPERATOR, now=moment)
    if wanted.is_worth_learned or wanted.worth is not None:
        queues.set_worth(state, site_id, wanted.worth, actor=OPERATOR, now=moment)
    return _queue(call)


SLOTS = (
    Operation(
        "GET",
        "/v1/sites/{site_id}/slots",
        "How many tests of a site run at once by themselves, the drafts that wait with "
        "what can be expected of them, and what a slot is worth.",
        _queue,
        Queue,
    ),
    Operation(
        "POST",
        "/v1/sites/{site_id}/slots",
        "Settle anew what is given. With dryRun the queue is told as so many slots "
        "would have it, and nothing is set.",
        _set,
        Queue,
        Trying,
        SlotsChange,
    ),
)
