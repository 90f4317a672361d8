"""Who sees what: the hashing and bucketing of the GrowthBook SDKs, exactly.

Pure functions; the same visitor and the same definition give the same variant in the
dispatcher, in a simulation and in any GrowthBook client.
"""

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from code24 import buckets
from code24.contracts.experiment import Experiment, Namespace
from code24.targeting import conditions, strict, urls

FNV_OFFSET = 0x811C9DC5
FNV_PRIME = 0x01000193
WEIGHT_SUM_LOW = 0.99
WEIGHT_SUM_HIGH = 1.01
NOT_ASSIGNED = -1
NAMESPACE_HASH = 1
"""The hash version of namespaces, whatever the test's own."""


def fnv1a32(text: str, value: int = FNV_OFFSET) -> int:
    """Return the 32-bit FNV-1a hash of the text's UTF-16 code units.

    ``value`` is the hash of what stands before the text, to go on from.
    """
    for unit in _code_units(text):
        value = ((value ^ unit) * FNV_PRIME) & 0xFFFFFFFF
    return value


def hash_unit(seed: str, value: str, version: int) -> float | None:
    """Return where in [0, 1) a unit falls; None for an unknown hash version.

    Version 2 has 10,000 places and is free of the correlation between seeds that
    version 1, with 1,000 places, is known for.
    """
    if version == 2:
        return fnv1a32(str(fnv1a32(seed + value))) % 10_000 / 10_000
    if version == 1:
        return fnv1a32(value + seed) % 1_000 / 1_000
    return None


def bucket_ranges(
    count: int, coverage: float, weights: Sequence[float] | None = None
) -> list[tuple[float, float]]:
    """Return the half-open range of each of ``count`` variants.

    Each starts where the weights before it end and is ``coverage`` times its weight
    long, so that raising the coverage moves nobody. Coverage is clamped to [0, 1];
    weights that are absent, negative, too few or sum outside [.99, 1.01] become equal.
    """
    share = min(max(coverage, 0.0), 1.0)
    start = 0.0
    ranges = []
    for weight in _usable(weights, count):
        ranges.append((start, start + share * weight))
        start += weight
    return ranges


def choose(place: float, ranges: Sequence[tuple[float, float]]) -> int:
    """Return the index of the range that holds the place; -1 where none does."""
    for index, (start, end) in enumerate(ranges):
        if start <= place < end:
            return index
    return NOT_ASSIGNED


@dataclass(frozen=True, slots=True)
class EvaluationContext:
    """What is known of a visitor beside the unit id; OpenFeature's term."""

    attributes: Mapping[str, Any] = field(default_factory=dict)
    url: str = ""
    """The address of the page that is asked for."""
    anywhere: bool = False
    """Whether addresses are left to whoever asks: a browser that may go on."""
    assignments: buckets.Documents = field(default_factory=dict)
    """What the visitor was given before, for tests with sticky buckets."""
    groups: conditions.Groups = field(default_factory=dict)
    """The site's saved groups."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """The variant that a unit is given, and how."""

    index: int
    unit: buckets.Unit
    """The attribute and the value that were hashed."""
    place: float
    """Where in [0, 1) the unit falls."""
    is_sticky: bool = False
    """Given before, and kept."""


NOTHING_KNOWN = EvaluationContext()


class Assigner:
    """One test made ready to assign many visitors: what they share is computed once."""

    __slots__ = ("_condition", "_ranges", "_seed", "_state", "test")

    def __init__(self, test: Experiment) -> None:
        self.test = test
        self._seed = test.seed or test.test_id
        self._state = fnv1a32(self._seed)
        self._ranges = _ranges(len(test.variants), test.coverage, test.traffic_split)
        self._condition = condition_of(test)

    def assign(self, unit_id: str, context: EvaluationContext) -> Assignment | None:
        """Return what the test gives to a unit; none where it takes no part.

        Of one that keeps an earlier variant only the address and namespace are asked.
        """
        test = self.test
        if test.status != "running" or self.is_barred(unit_id):
            return None
        if not self._asks_at(context):
            return None
        unit = buckets.unit_of(test, unit_id, context.attributes)
        place = None if unit is None else self._place(unit.value)
        if unit is None or place is None:
            return None
        kept = buckets.kept(test, unit_id, context.attributes, context.assignments)
        if kept is not None:
            is_let = kept != buckets.BLOCKED
            return Assignment(kept, unit, place, is_sticky=True) if is_let else None
        index = choose(place, self._ranges) if self._asks(context) else NOT_ASSIGNED
        return None if index == NOT_ASSIGNED else Assignment(index, unit, place)

    def is_barred(self, unit_id: str) -> bool:
        """Say whether the unit lies outside the test's slice of its namespace."""
        part = self.test.namespace
        if part is None:
            return False
        return not unit_id or not in_namespace(part, unit_id)

    def asks(self, context: EvaluationContext) -> bool:
        """Say whether the test is about such a visitor on such a page."""
        return self._asks_at(context) and self._asks(context)

    def _asks_at(self, context: EvaluationContext) -> bool:
        targeting = self.test.targeting
        wanted = () if targeting is None else targeting.url_patterns
        return not wanted or context.anywhere or urls.is_targeted(context.url, wanted)

    def _asks(self, context: EvaluationContext) -> bool:
        if not self._condition:
            return True
        return conditions.holds(self._condition, context.attributes, context.groups)

    def _place(self, value: str) -> float | None:
        if self.test.hash_version == 2:
            return fnv1a32(str(fnv1a32(value, self._state))) % 10_000 / 10_000
        return hash_unit(self._seed, value, self.test.hash_version)


def assign(
    test: Experiment, unit_id: str, context: EvaluationContext = NOTHING_KNOWN
) -> int | None:
    """Return the variant's index that a running test gives to a unit.

    None where the unit takes no part and sees the control unrecorded: the test does
    not run, it does not ask the visitor or the page, the unit lies outside its coverage
    or namespace, or the id is empty.
    """
    found = Assigner(test).assign(unit_id, context)
    return None if found is None else found.index


def condition_of(test: Experiment) -> dict[str, Any]:
    """Return whom the test asks, in the form that all clients read alike."""
    return {} if test.targeting is None else strict.strict(test.targeting.condition)


@lru_cache(4_096)
def _ranges(
    count: int, coverage: float, weights: tuple[float, ...]
) -> tuple[tuple[float, float], ...]:
    return tuple(bucket_ranges(count, coverage, weights))


def namespace_seed(name: str) -> str:
    """Return the seed by which a namespace places units, with hash version 1."""
    return f"__{name}"


def in_namespace(namespace: Namespace, unit_id: str) -> bool:
    """Say whether a unit lies in the slice."""
    place = hash_unit(namespace_seed(namespace.name), unit_id, NAMESPACE_HASH)
    return place is not None and namespace.low <= place < namespace.high


def _code_units(text: str) -> Sequence[int]:
    if text.isascii():
        return text.encode("ascii")
    units = text.encode("utf-16-le", "surrogatepass")
    return struct.unpack(f"<{len(units) // 2}H", units)


def _usable(weights: Sequence[float] | None, count: int) -> Sequence[float]:
    if weights is None or len(weights) != count:
        return [1 / count] * count
    is_sound = all(math.isfinite(weight) and weight >= 0 for weight in weights)
    if is_sound and WEIGHT_SUM_LOW <= sum(weights) <= WEIGHT_SUM_HIGH:
        return weights
    return [1 / count] * count
