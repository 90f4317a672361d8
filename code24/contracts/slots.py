"""How many tests of a site run at once, what waits, and what a slot is worth."""

from code24.contracts.forecast import Plan
from code24.contracts.wire import Contract, Slug

GREATEST_WORTH = 0.01
"""A day of testing costs no more than a lift of a percent over the whole horizon."""


class Waiting(Contract, frozen=True, kw_only=True):
    """A draft of the queue."""

    test_id: Slug
    plan: Plan | None = None
    """What can be expected of it; none until it was planned."""


class Queue(Contract, frozen=True, kw_only=True):
    """The slots of a site and the drafts that wait for them, the first first."""

    site_id: Slug
    slots: int
    """Tests that run at once by themselves; 0: each is started by hand."""
    taken: int
    """By tests that run or are paused."""
    is_automatic: bool
    """Whether drafts start by themselves: slots are there, and no approval needed."""
    worth: float | None = None
    """What an operator said that a day of a slot is worth, as a relative lift over the
    horizon; none: it is learned."""
    learned_worth: float | None = None
    """What the best waiting draft is expected to bring for each day of its slot; none
    where nothing waits that was planned, or no slot is wanted by two."""
    cost_of_day: float | None = None
    """What a day costs the tests that run, of these two; none: next to nothing."""
    drafts: tuple[Waiting, ...] = ()
    starting: tuple[Slug, ...] = ()
    """The drafts that have a slot free."""
