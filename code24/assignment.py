"""Who sees what: the hashing and bucketing of the GrowthBook SDKs, exactly.

Pure functions; the same visitor and the same definition give the same variant in the
dispatcher, in a simulation and in any GrowthBook client.
"""

import math
import struct
from collections.abc import Sequence

from code24.contracts.experiment import Experiment, Namespace

FNV_OFFSET = 0x811C9DC5
FNV_PRIME = 0x01000193
WEIGHT_SUM_LOW = 0.99
WEIGHT_SUM_HIGH = 1.01
NOT_ASSIGNED = -1
NAMESPACE_HASH = 1
"""The hash version of namespaces, whatever the test's own."""


def fnv1a32(text: str) -> int:
    """Return the 32-bit FNV-1a hash of the text's UTF-16 code units."""
    value = FNV_OFFSET
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


def assign(test: Experiment, unit_id: str) -> int | None:
    """Return the variant's index that a running test gives to a unit.

    None where the unit takes no part and sees the control unrecorded: the test does
    not run, the unit lies outside its coverage or namespace, or the id is empty.
    """
    if test.status != "running" or not unit_id:
        return None
    if test.namespace is not None and not in_namespace(test.namespace, unit_id):
        return None
    place = hash_unit(test.seed or test.test_id, unit_id, test.hash_version)
    if place is None:
        return None
    ranges = bucket_ranges(len(test.variants), test.coverage, test.traffic_split)
    index = choose(place, ranges)
    return None if index == NOT_ASSIGNED else index


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
