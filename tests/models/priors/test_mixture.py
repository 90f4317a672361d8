"""Priors: their moments, and parameters that no prior can have."""

from typing import Any

import numpy as np
import pytest

from models.priors.mixture import (
    DEFAULT_PRIOR,
    SCALES,
    Prior,
    PriorError,
    from_row,
    normal,
)


def test_mean_and_sd_are_those_of_draws() -> None:
    """400,000 draws; tolerance of about four standard errors."""
    prior = Prior((0.0, 0.05, 0.2), (0.5, 0.3, 0.2), shift=0.4)
    rng = np.random.default_rng(2)
    scale = rng.choice(prior.scales, 400_000, p=prior.weights)
    drawn = scale * (prior.shift + rng.standard_normal(400_000))
    assert prior.mean == pytest.approx(drawn.mean(), abs=7e-4)
    assert prior.sd == pytest.approx(drawn.std(), rel=0.01)
    assert prior.null == 0.5


def test_default_believes_that_most_changes_do_nothing() -> None:
    assert DEFAULT_PRIOR.null == 0.6
    assert sum(DEFAULT_PRIOR.weights) == pytest.approx(1.0)
    assert DEFAULT_PRIOR.mean == 0.0
    assert 0.02 < DEFAULT_PRIOR.sd < 0.06
    assert SCALES[13] == pytest.approx(0.32)


def test_a_row_gives_the_prior_back() -> None:
    prior = Prior((0.0, 0.05), (0.4, 0.6), 0.2, 0.3, tests=7, group="price")
    assert from_row(prior.as_row()) == prior
    assert prior.as_row()["prior_mean"] == pytest.approx(0.006)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shift": float("nan")}, "prior shift=nan"),
        ({"scales": (0.1, -0.1)}, "prior scale=-0.1"),
        ({"scales": (0.1, float("inf"))}, "prior scale=inf"),
        ({"scales": (0.1,)}, "1 scales and 2 weights"),
        ({"weights": (0.5, 0.6)}, "weights sum to 1.1"),
        ({"weights": (1.5, -0.5)}, "must be shares"),
        ({"weights": (float("nan"), 0.5)}, "weights sum to nan"),
        ({"correlation": 1.0}, "prior correlation=1.0"),
    ],
)
def test_impossible_parameters_are_refused(
    change: dict[str, Any], message: str
) -> None:
    with pytest.raises(PriorError, match=message):
        Prior(**{"scales": (0.0, 0.1), "weights": (0.5, 0.5), **change})


def test_a_normal_prior_needs_a_width() -> None:
    with pytest.raises(PriorError, match="prior sd=0"):
        normal(0.0, 0.0)
