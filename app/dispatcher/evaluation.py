"""What one visitor of a site is given, decided here as a client would decide it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from app.dispatcher import previews
from app.dispatcher.payload import shipped_variant, value_of
from app.dispatcher.store import Site
from code24 import holdout
from code24.assignment import (
    NOTHING_KNOWN,
    Assigner,
    Assignment,
    EvaluationContext,
)
from code24.contracts.experiment import Experiment, Variant

Reason = Literal["SPLIT", "TARGETING_MATCH", "STATIC", "DEFAULT", "DISABLED"]
"""OpenFeature's terms: by hash, for such a visitor or as a preview, the same for
everyone, the control for one who takes no part, the control since the test is off or
does not run."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks."""

    unit_id: str
    """Empty where there is none: such a visitor takes part in nothing."""
    context: EvaluationContext = NOTHING_KNOWN
    forced: Mapping[str, int] = field(default_factory=dict)
    """Test id → index of the variant to be shown, uncounted."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The variant of one test that a visitor is given."""

    flag: str
    """The test's id, by which clients ask."""
    variant: Variant
    reason: Reason
    test: Experiment | None = None
    """The test that counts the unit; none where nothing is counted."""
    assignment: Assignment | None = None
    """How that test assigned it."""

    @property
    def index(self) -> int | None:
        """Return the index by which the unit is counted."""
        return None if self.assignment is None else self.assignment.index

    @property
    def value(self) -> Any:
        """Return what the flag evaluates to."""
        return value_of(self.variant)


def evaluate_all(site: Site, visitor: Visitor) -> Iterator[Outcome]:
    """Yield the outcome of each of the site's tests; of a site that is off, none."""
    if not site.is_off:
        for test in site.shard.tests:
            yield evaluate(site, test, visitor)


def evaluate(site: Site, test: Experiment, visitor: Visitor) -> Outcome:
    """Return what the visitor is given of one test.

    In the order of the clients: who is held out or outside the test's slice sees the
    control, then a preview is heeded, then the visitor is assigned.
    """
    if test.test_id in site.tests_off:
        return Outcome(test.test_id, test.variants[0], "DISABLED")
    assigner = _assigner(site, test)
    counting = assigner.test
    if counting.status != "running":
        return _settled(assigner, visitor)
    if _is_barred(site, test, visitor.unit_id) or assigner.is_barred(visitor.unit_id):
        return Outcome(test.test_id, test.variants[0], "DEFAULT")
    wanted = previews.wanted(counting, visitor.context.url, visitor.forced)
    if wanted is not None:
        return Outcome(test.test_id, counting.variants[wanted], "TARGETING_MATCH")
    return _assigned(test, assigner, visitor)


def _assigner(site: Site, test: Experiment) -> Assigner:
    """Return the test that counts, made ready: of a shipped one that which verifies."""
    found = site.assigners.get(test.test_id)
    if found is None:
        counting = holdout.verification(test, site.shard.holdout) or test
        found = site.assigners[test.test_id] = Assigner(counting)
    return found


def _is_barred(site: Site, test: Experiment, unit_id: str) -> bool:
    """Say whether the unit is held out; who has no id cannot be told from those."""
    share = site.shard.holdout
    if test.status != "running" or share <= 0:
        return False
    return not unit_id or holdout.is_held_out(test.site_id, share, unit_id)


def _assigned(test: Experiment, assigner: Assigner, visitor: Visitor) -> Outcome:
    found = assigner.assign(visitor.unit_id, visitor.context)
    if found is None:
        return Outcome(test.test_id, test.variants[0], "DEFAULT")
    counting = assigner.test
    variant = counting.variants[found.index]
    return Outcome(test.test_id, variant, "SPLIT", counting, found)


def _settled(assigner: Assigner, visitor: Visitor) -> Outcome:
    test = assigner.test
    shipped = shipped_variant(test)
    if shipped is None:
        return Outcome(test.test_id, test.variants[0], "DISABLED")
    if test.targeting is None:
        return Outcome(test.test_id, shipped, "STATIC")
    if not assigner.asks(visitor.context):
        return Outcome(test.test_id, test.variants[0], "DEFAULT")
    return Outcome(test.test_id, shipped, "TARGETING_MATCH")
