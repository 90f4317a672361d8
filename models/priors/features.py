"""What a change is, as far as it tells the effect before any data: the words of a copy.

Model: the log rate of an arm deviates from its test's level by x·β + e, e ~ N(0, τ²).
β is fitted by ridge regression to the deviations within finished tests, weighted by
1 / (τ² + s²); its strength and the slope of its predictions by cross-fitting over whole
tests, so that words that tell nothing get a slope near 0. A prediction shifts the mean
of an arm's prior.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple
from zlib import crc32

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import lsqr

from models.experiments.arms import Floats, Integers, log_rates

COLUMNS = 1 << 14
"""Words and pairs of words are hashed into so many columns."""
STRENGTHS = (10.0, 30.0, 100.0, 300.0, 1_000.0)
"""Ridge penalties tried, in units of the weights' mean."""
FOLDS = 5
STEPS = 60
WORD = re.compile(r"[\w']+|[?!]")


class Copies(NamedTuple):
    """Arms with their copies; those of one test stand together."""

    test: Integers
    """Index of the arm's test, from 0, not decreasing."""
    text: Sequence[str]
    units: Floats
    conversions: Floats


class Features(NamedTuple):
    """What copies have taught."""

    beta: Floats
    slope: float
    """By how much predictions are scaled; 0 where words tell nothing."""
    strength: float

    def predict(self, copies: Copies) -> Floats:
        """Return each arm's expected log ratio to the mean of its test's arms."""
        shift: Floats = self.slope * (_centred(copies) @ self.beta)
        return shift


def learn_features(copies: Copies, tau: float, seed: int = 1) -> Features:
    """Learn from finished tests what the words of a copy do to its rate.

    Args:
        copies: arms of tests that ended before those to be predicted began.
        tau: sd of an arm's log rate around its test's level, as the prior has it.
        seed: of the assignment of tests to folds.
    """
    columns = _centred(copies)
    deviation, weight = _deviations(copies, tau)
    tests = int(copies.test[-1]) + 1
    fold = np.random.default_rng(seed).integers(0, FOLDS, tests)[copies.test]
    tried = [
        (*_crossed(columns, deviation, weight, fold, strength), strength)
        for strength in STRENGTHS
    ]
    _, slope, strength = min(tried)
    return Features(_ridge(columns, deviation, weight, strength), slope, strength)


def _crossed(
    columns: sparse.csr_array,
    deviation: Floats,
    weight: Floats,
    fold: Integers,
    strength: float,
) -> tuple[float, float]:
    """Return the error of predictions of tests left out, and the slope for it."""
    predicted = np.zeros(len(deviation))
    for each in range(FOLDS):
        rest, own = fold != each, fold == each
        beta = _ridge(columns[rest], deviation[rest], weight[rest], strength)
        predicted[own] = columns[own] @ beta
    square = float(weight @ np.square(predicted))
    slope = float(weight @ (predicted * deviation)) / square if square > 0 else 0.0
    slope = max(slope, 0.0)
    return float(weight @ np.square(deviation - slope * predicted)), slope


def _ridge(
    columns: sparse.csr_array, deviation: Floats, weight: Floats, strength: float
) -> Floats:
    root = np.sqrt(weight / weight.mean())
    damp = float(np.sqrt(strength))
    scaled = sparse.diags_array(root) @ columns
    found = lsqr(scaled, root * deviation, damp=damp, iter_lim=STEPS)
    beta: Floats = found[0]
    return beta


def _deviations(copies: Copies, tau: float) -> tuple[Floats, Floats]:
    """Return the log rates around their test's level, and the weights of each."""
    rate, variance = log_rates(copies.units, copies.conversions)
    weight = 1.0 / (tau**2 + variance)
    level = np.bincount(copies.test, weight * rate) / np.bincount(copies.test, weight)
    deviation: Floats = rate - level[copies.test]
    return deviation, weight


def _centred(copies: Copies) -> sparse.csr_array:
    """Return the arms' words, less the mean of their test's arms."""
    number = len(copies.test)
    words = [sorted(set(_words(text))) for text in copies.text]
    rows = np.repeat(np.arange(number), [len(each) for each in words])
    flat = np.array([word for each in words for word in each], dtype=np.int64)
    shape = (number, COLUMNS)
    counts = sparse.csr_array((np.ones(len(flat)), (rows, flat)), shape=shape)
    arms = np.bincount(copies.test).astype(np.float64)
    member = sparse.csr_array(
        (np.ones(number), (np.arange(number), copies.test)), shape=(number, len(arms))
    )
    mean = sparse.diags_array(1.0 / arms) @ (member.T @ counts)
    return sparse.csr_array(counts - member @ mean)


def _words(text: str) -> Iterator[int]:
    """Yield the columns of the words, of pairs of neighbours, and of the length."""
    words = WORD.findall(text.lower())
    yield crc32(f"length {len(words) // 4}".encode()) % COLUMNS
    for word in words:
        yield crc32(word.encode()) % COLUMNS
    for one, other in pairwise(words):
        yield crc32(f"{one} {other}".encode()) % COLUMNS
