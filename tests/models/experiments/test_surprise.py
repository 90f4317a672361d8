"""Lifts that are too good to be true, by simulation and against an integral."""

import numpy as np
import polars as pl
import pytest
from scipy import integrate, stats

from models.experiments import surprise
from models.experiments.analysis import analyze
from models.experiments.policy import decide
from models.experiments.portfolio import draw
from models.priors.mixture import DEFAULT_PRIOR
from tests.models.experiments import frames


@pytest.mark.parametrize("ratio", [-0.1, 0.0, 0.05, 0.4])
def test_the_tail_is_the_integral_over_effect_and_noise(ratio: float) -> None:
    scales, weights, shift, sd = np.array([0.02, 0.1]), np.array([0.7, 0.3]), 0.4, 0.03

    def above(effect: float) -> float:
        prior = weights @ stats.norm.pdf(effect, shift * scales, scales)
        return float(prior * stats.norm.sf(ratio, effect, sd))

    expected, _ = integrate.quad(above, -1, 1, points=[0, ratio], limit=200)
    (found,) = surprise.tail(
        np.array([ratio]),
        np.array([sd**2]),
        scales[None],
        weights[None],
        np.array([shift]),
    )
    assert found == pytest.approx(expected, rel=1e-5)


def test_one_sound_variant_in_a_thousand_is_flagged() -> None:
    """20,000 tests drawn from the prior: 20 ± 14 at three standard errors."""
    drawn = draw(20_000, 2, DEFAULT_PRIOR, np.random.default_rng(12))
    table = analyze(drawn.stats, drawn.weights, DEFAULT_PRIOR)
    assert 6 <= table["is_suspicious"].sum() <= 34


def test_an_absurd_lift_is_flagged_and_told() -> None:
    counts = frames.stats({"t": [(5_000, 250), (5_000, 2_500)]})
    table = analyze(counts, frames.weights(counts))
    assert table["is_suspicious"].to_list() == [False, True]
    (verdict,) = decide(table)
    assert "counted right" in verdict.reason
    sober = frames.stats({"t": [(5_000, 250), (5_000, 300)]})
    assert (
        not analyze(sober, frames.weights(sober)).filter(pl.col("is_suspicious")).height
    )
