"""Words whose effect is known are found; words that do nothing get no weight."""

import numpy as np
import pytest

from models.experiments.arms import Floats
from models.priors.features import Copies, learn_features

WORDS = ("amazing", "daily", "report", "you", "why", "new", "garden", "photo")
EFFECT = {"amazing": 0.4, "report": -0.4}
TAU = 0.15


def copies(tests: int, seed: int, effect: dict[str, float]) -> tuple[Copies, Floats]:
    """Return tests of four arms of four words each, and what their words do."""
    rng = np.random.default_rng(seed)
    texts = [" ".join(rng.choice(WORDS, 4, replace=False)) for _ in range(4 * tests)]
    told = np.array([sum(effect.get(w, 0.0) for w in t.split()) for t in texts])
    noise = TAU * rng.standard_normal(len(texts))
    units = np.full(len(texts), 4_000.0)
    rate = 0.03 * np.exp(told + noise)
    hits = rng.binomial(4_000, rate).astype(float)
    test = np.repeat(np.arange(tests), 4)
    return Copies(test, texts, units, hits), told


def test_what_words_do_is_found_and_predicted_for_later_tests() -> None:
    taught, _ = copies(400, 1, EFFECT)
    asked, told = copies(200, 2, EFFECT)

    shift = learn_features(taught, TAU).predict(asked)

    within = told - (np.bincount(asked.test, told) / 4)[asked.test]
    assert np.corrcoef(shift, within)[0, 1] > 0.9
    assert np.polyfit(shift, within, 1)[0] == pytest.approx(1.0, abs=0.2)
    np.testing.assert_allclose(np.bincount(asked.test, shift), 0.0, atol=1e-9)


def test_words_that_do_nothing_shift_nothing() -> None:
    taught, _ = copies(400, 3, {})
    asked, _ = copies(200, 4, {})

    shift = learn_features(taught, TAU).predict(asked)

    assert shift.std() < 0.2 * TAU


def test_the_outcomes_of_what_is_asked_have_no_say() -> None:
    taught, _ = copies(100, 1, EFFECT)
    asked, _ = copies(20, 2, EFFECT)
    other = asked._replace(conversions=asked.conversions[::-1])

    features = learn_features(taught, TAU)

    np.testing.assert_array_equal(features.predict(asked), features.predict(other))


def test_words_never_seen_shift_nothing() -> None:
    taught, _ = copies(100, 1, EFFECT)
    strange = Copies(
        np.array([0, 0]), ["quux frob", "zork blip"], np.ones(2), np.zeros(2)
    )
    shift = learn_features(taught, TAU).predict(strange)
    np.testing.assert_allclose(shift, 0.0, atol=0.02)
