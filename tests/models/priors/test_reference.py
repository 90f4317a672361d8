"""The closed form against the full model, sampled by PyMC and nutpie."""

import subprocess
import sys

import numpy as np
import polars as pl
import pytest

from models.priors.mixture import Prior
from models.priors.pooling import Kind, learn_book
from models.priors.reference import (
    Data,
    NotConvergedError,
    Reference,
    closed_effects,
    data_of,
    distance,
    fit_reference,
)
from tests.models.priors import frames

VERTICALS = {"news": 0.10, "shop": 0.05}
KINDS = {"headline": 1.0, "price": 0.7}
TESTS_A_GROUP = 80


def _history() -> pl.DataFrame:
    """Return tests of two verticals and two kinds, four groups with effects unlike.

    Of all effects 40% are nothing; the others have Student's t with 4 degrees of
    freedom, so neither model is the truth.
    """
    rng = np.random.default_rng(11)
    parts = []
    for vertical, sd in VERTICALS.items():
        for kind, factor in KINDS.items():
            effect = sd * factor * rng.standard_t(4, TESTS_A_GROUP)
            effect[rng.random(TESTS_A_GROUP) < 0.4] = 0.0
            deviation = np.stack([np.zeros_like(effect), effect], axis=1)
            part = frames.counted(deviation, rng).with_columns(
                pl.format(
                    "{}-{}-{}", pl.lit(vertical), pl.lit(kind), "experiment_id"
                ).alias("experiment_id"),
                pl.lit(vertical).alias("vertical"),
                pl.lit("sales").alias("goal_type"),
                pl.lit(kind).alias("test_type"),
            )
            parts.append(part)
    return pl.concat(parts)


@pytest.fixture(scope="module")
def both() -> tuple[Reference, list[Prior]]:
    past = _history()
    data = data_of(past)
    book = learn_book(past)
    verticals, _, kinds = (
        [names[code] for code in codes]
        for codes, names in zip(data.groups, data.names, strict=True)
    )
    priors = [
        book.of(Kind("shop", vertical, "sales", kind))
        for vertical, kind in zip(verticals, kinds, strict=True)
    ]
    return fit_reference(data, draws=750), priors


def test_the_chains_agree(both: tuple[Reference, list[Prior]]) -> None:
    found, _ = both
    assert found.r_hat < 1.01
    assert found.ess > 400
    assert len(found.data.x) > 0.95 * 4 * TESTS_A_GROUP


def test_the_spread_of_each_group_is_within_two_of_the_full_models_sds(
    both: tuple[Reference, list[Prior]],
) -> None:
    away = distance(*both)
    assert len({round(float(each), 6) for each in away}) == 4, "four groups"
    assert np.abs(away).max() < 2.0


def test_effects_of_single_tests_agree(both: tuple[Reference, list[Prior]]) -> None:
    """To a third of the sampling error of a test at most, to a tenth on average."""
    found, priors = both
    assert len(priors) == len(found.data.x)
    apart = np.abs(found.effects() - closed_effects(found.data, priors))
    in_errors = apart / np.sqrt(found.data.variance)
    assert in_errors.mean() < 0.1
    assert np.quantile(in_errors, 0.99) < 0.34


def test_chains_that_do_not_agree_are_refused() -> None:
    past = _history()
    few = data_of(past.head(60))
    with pytest.raises(NotConvergedError, match=r"r-hat .* effective draws"):
        fit_reference(few, draws=20)


def test_tests_are_taken_by_their_control_and_first_variant() -> None:
    prior = Prior((0.0, 0.1), (0.5, 0.5))
    data: Data = data_of(frames.history(50, prior, arms=4))
    two = frames.history(50, prior, arms=4).filter(pl.col("variation_index") < 2)
    np.testing.assert_allclose(data.x, data_of(two).x)
    assert data.names == (("",), ("",), ("",))


def test_what_decides_does_not_load_the_sampler() -> None:
    script = (
        "import sys, orchestration.worker, cli.main; "
        "print([m for m in ('pymc', 'nutpie', 'arviz', 'pytensor', 'tea_tasting') "
        "if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip().endswith("[]")
