"""What a test, or a change of its shares, can be expected to bring: told beforehand."""

from typing import Annotated, Literal

import msgspec

from code24.contracts.allocation import Allocation
from code24.contracts.wire import Contract, Identifier, Moment, Slug


class Assumptions(Contract, frozen=True, kw_only=True):
    """What a plan takes for granted; what is not given is as the site has it."""

    base_rate: Annotated[float, msgspec.Meta(gt=0.0, lt=1.0)] | None = None
    """Conversion rate of the control."""
    daily_units: Annotated[float, msgspec.Meta(gt=0.0, lt=1e12)] | None = None
    """New units a day over all arms."""
    arms: Annotated[int, msgspec.Meta(ge=2, le=100)] | None = None
    """Control included; the test's own if not given."""
    lift: Annotated[float, msgspec.Meta(gt=-1.0, le=10.0)] = 0.05
    """Of which the units are told that show it."""


class PriorUsed(Contract, frozen=True, kw_only=True):
    """From what was learned."""

    group: str
    tests: int
    """Finished tests it was learned from."""
    sd: float
    """Standard deviation of the log ratio."""


class Prospect(Contract, frozen=True, kw_only=True):
    """What so many days can show."""

    days: float
    detectable: float
    """Least lift shown with 80% power."""
    assurance: float
    """Chance to show a gain, over the effects believed in."""


class Outlook(Contract, frozen=True, kw_only=True):
    """How a test can be expected to go, and what it is worth, as relative lifts."""

    days: float
    """Mean days until it is decided."""
    days_90: float
    """Nine of ten are decided by then."""
    chance_to_ship: float
    chance_of_gain: float
    """Of those that ship: how many ship what is truly better."""
    gain: float
    """Mean true lift over the horizon, net of the cost of change and of days."""
    without: float
    """The same of deciding now without data."""
    worth: float
    """Value of information: ``gain`` less ``without``."""
    worth_a_day: float
    """``worth`` for each day of a slot, set-up included."""


class Plan(Contract, frozen=True, kw_only=True):
    """What a test can show, how long it takes and what it is worth."""

    base_rate: float
    daily_units: float
    arms: int
    prior: PriorUsed
    lift: float
    units_needed: float
    """Of all arms, to show ``lift`` with 80% power."""
    days_needed: float
    after: tuple[Prospect, ...]
    outlook: Outlook


class Estimate(Contract, frozen=True, kw_only=True):
    """Conversions a visitor under some shares, from logs of others; 90% interval."""

    value: float
    low: float
    high: float
    effective: float
    """Visitors that carry it."""


class Foreseen(Contract, frozen=True, kw_only=True):
    """What a rule of allocation would do now, and what that would have brought."""

    weights: tuple[float, ...]
    """Of the arms, once the rule has moved; as they are where it would not."""
    coverage: float
    before: Estimate | None = None
    """Under the shares that hold."""
    after: Estimate | None = None
    """Under the new ones, on the same visitors; none where they stay."""
    refusal: str | None = None
    """Why there is no estimate."""


Status = Literal["asked", "told", "failed"]


class Forecast(Contract, frozen=True, kw_only=True):
    """A question about a test's future, and its answer once a worker has found it."""

    forecast_id: Identifier
    test_id: Slug
    assumptions: Assumptions | None = None
    """Given where a plan was asked for."""
    rule: Allocation | None = None
    """Given where it was asked what a rule would do."""
    asked_at: Moment
    status: Status = "asked"
    told_at: Moment | None = None
    plan: Plan | None = None
    foreseen: Foreseen | None = None
    problem: str | None = None
    """Why there is no answer."""
