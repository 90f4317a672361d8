"""What one unit of a site is given, decided here as a client would decide it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from app.dispatcher.payload import shipped_variant, value_of
from app.dispatcher.store import Site
from code24 import holdout
from code24.assignment import assign
from code24.contracts.experiment import Experiment, Variant

Reason = Literal["SPLIT", "STATIC", "DEFAULT", "DISABLED"]
"""OpenFeature's terms: by hash, the same for everyone, the control for one who takes
no part, the control since the test is off or does not run."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The variant of one test that a unit is given."""

    flag: str
    """The test's id, by which clients ask."""
    variant: Variant
    reason: Reason
    test: Experiment | None = None
    """The test that counts the unit by ``index``; none where nothing is counted."""
    index: int | None = None

    @property
    def value(self) -> Any:
        """Return what the flag evaluates to."""
        return value_of(self.variant)


def evaluate_all(site: Site, unit_id: str) -> Iterator[Outcome]:
    """Yield the outcome of each of the site's tests; of a site that is off, none."""
    if not site.is_off:
        for test in site.shard.tests:
            yield evaluate(site, test, unit_id)


def evaluate(site: Site, test: Experiment, unit_id: str) -> Outcome:
    """Return what the unit is given of one test.

    An empty unit id takes part in nothing.
    """
    control, share = test.variants[0], site.shard.holdout
    if test.test_id in site.tests_off:
        return Outcome(test.test_id, control, "DISABLED")
    if test.status == "running":
        is_out = holdout.is_held_out(test.site_id, share, unit_id)
        return _assigned(test, test, "" if is_out else unit_id)
    verifying = holdout.verification(test, share)
    if verifying is not None:
        return _assigned(test, verifying, unit_id)
    return _settled(test)


def _assigned(test: Experiment, counting: Experiment, unit_id: str) -> Outcome:
    index = assign(counting, unit_id)
    if index is None:
        return Outcome(test.test_id, test.variants[0], "DEFAULT")
    variant = counting.variants[index]
    return Outcome(test.test_id, variant, "SPLIT", counting, index)


def _settled(test: Experiment) -> Outcome:
    shipped = shipped_variant(test)
    if shipped is None:
        return Outcome(test.test_id, test.variants[0], "DISABLED")
    return Outcome(test.test_id, shipped, "STATIC")
