"""How the visitors of a test are shared out while it runs."""

from typing import Annotated, Literal

import msgspec

from code24.contracts.experiment import Share
from code24.contracts.wire import Contract, Slug

AllocationKind = Literal["fixed", "rollout", "bandit"]


class Allocation(Contract, frozen=True, kw_only=True):
    """The rule of one test; a test without one has fixed shares.

    ``fixed``: shares stay. ``rollout``: the coverage grows step by step to its target,
    with equal shares, so that nobody is moved. ``bandit``: once a day at most shares
    follow what has been learned (top-two Thompson sampling).
    """

    test_id: Slug
    kind: AllocationKind = "fixed"
    floor: Annotated[float, msgspec.Meta(gt=0.0, le=0.5)] = 0.05
    """Least share of each arm of a bandit: what is never shown is never learned, and
    a rate cannot be compared. 0.01 to 1 over the number of arms."""
    least_units: Annotated[int, msgspec.Meta(ge=10)] = 100
    """Units that each arm must have before a bandit, or a step of a roll-out, moves."""
    half_life_days: Annotated[float, msgspec.Meta(ge=1.0, le=365.0)] = 14.0
    """What a bandit saw so long ago counts half: what is best may change."""
    steps: tuple[Share, ...] = (0.05, 0.1, 0.25, 0.5, 1.0)
    """The shares of ``target`` that a roll-out covers, a day each at least."""
    target: Share = 1.0
    """The coverage that a roll-out ends with; the test's own when the rule was set."""

    def __post_init__(self) -> None:
        """Reject steps that do not lead up to the whole."""
        is_rising = all(a < b for a, b in zip(self.steps, self.steps[1:], strict=False))
        if not self.steps or not is_rising or self.steps[0] <= 0 or self.steps[-1] != 1:
            raise ValueError(
                f"test {self.test_id!r}: steps {list(self.steps)} must rise from above "
                "0 to 1"
            )
