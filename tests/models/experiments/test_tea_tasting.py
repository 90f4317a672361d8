"""The same counts to tea-tasting, with a flat prior here: a second, frequentist peer.

tea-tasting compares two proportions by a z-test whose relative intervals are of the log
ratio (delta method), as ours; its p is two-sided.
"""

import warnings

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

from models.experiments.analysis import analyze
from models.priors.mixture import FLAT_PRIOR
from tests.models.experiments import frames

with warnings.catch_warnings():
    # It loads sqlglot, whose optional half warns that it has a successor.
    warnings.simplefilter("ignore", DeprecationWarning)
    import tea_tasting as tt

TESTS, UNITS = 40, 10_000


@pytest.fixture(scope="module")
def both() -> pl.DataFrame:
    """Return our figures and tea-tasting's of tests of two variants."""
    rng = np.random.default_rng(8)
    lift = np.exp(rng.normal(0, 0.1, (2, TESTS)) * [[0.0], [1.0]])
    pairs = rng.binomial(UNITS, 0.05 * lift).T.tolist()
    table = frames.stats(
        {
            f"t{number:02}": [(UNITS, control), (UNITS, variant)]
            for number, (control, variant) in enumerate(pairs)
        }
    )
    ours = analyze(table, frames.weights(table), FLAT_PRIOR)
    theirs = pl.DataFrame([_theirs(control, variant) for control, variant in pairs])
    return pl.concat([ours.filter(~pl.col("is_control")), theirs], how="horizontal")


def _theirs(control: int, variant: int) -> dict[str, float]:
    """Return the analysis of one test, given as one row a unit."""
    converted = [np.arange(UNITS) < each for each in (control, variant)]
    units = pa.table(
        {
            "variant": np.repeat([0, 1], UNITS),
            "converted": np.concatenate(converted).astype(np.int64),
        }
    )
    experiment = tt.Experiment(
        converted=tt.Mean(
            "converted", confidence_level=0.9, use_t=False, equal_var=False
        )
    )
    found = experiment.analyze(units)["converted"]
    return {
        "their_lift": found.rel_effect_size,
        "their_low": found.rel_effect_size_ci_lower,
        "their_high": found.rel_effect_size_ci_upper,
        "their_p": found.pvalue,
    }


def test_the_lift_as_counted_is_the_same(both: pl.DataFrame) -> None:
    np.testing.assert_allclose(both["raw_lift"], both["their_lift"], rtol=1e-9)


def test_intervals_agree(both: pl.DataFrame) -> None:
    """To 0.2 points of lift, where they are 20 points wide: both of the log ratio."""
    np.testing.assert_allclose(both["lift_low"], both["their_low"], atol=0.002)
    np.testing.assert_allclose(both["lift_high"], both["their_high"], atol=0.002)


def test_chances_to_win_are_their_p_halved(both: pl.DataFrame) -> None:
    """A flat prior's chance to win is 1 - p/2 where the variant leads."""
    above = both["raw_lift"].to_numpy() > 0
    p = both["their_p"].to_numpy()
    expected = np.where(above, 1 - p / 2, p / 2)
    np.testing.assert_allclose(both["chance_to_win"], expected, atol=0.005)
