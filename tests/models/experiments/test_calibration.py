"""What the analysis says of drawn tests must hold among them as often as it says."""

import numpy as np
import polars as pl
import pytest

from models.experiments import portfolio
from models.experiments.analysis import analyze
from models.priors.mixture import normal

TESTS = 6_000
PRIORS = [normal(0.0, 0.05), normal(-0.05, 0.3), normal(0.02, 0.1, 0.1)]


@pytest.fixture(scope="module", params=PRIORS, ids=lambda prior: f"sd {prior.sd}")
def variants(request: pytest.FixtureRequest) -> pl.DataFrame:
    """Return the variants of tests of four arms, with the truth of each row."""
    rng = np.random.default_rng(99)
    drawn = portfolio.draw(TESTS, 4, request.param, rng)
    table = analyze(drawn.stats, drawn.weights, request.param)
    best = pl.col("truth") == pl.col("truth").max().over("experiment_id")
    return table.with_columns(truth=drawn.effects).with_columns(is_best=best)


def test_nine_of_ten_intervals_hold_the_true_lift(variants: pl.DataFrame) -> None:
    """18,000 variants, three a test: standard error about .003."""
    lift = pl.col("truth").exp() - 1
    holds = variants.filter(~pl.col("is_control")).select(
        lift.is_between("lift_low", "lift_high").mean()
    )
    assert holds.item() == pytest.approx(0.90, abs=0.012)


@pytest.mark.parametrize(
    ("low", "high"), [(0.0, 0.2), (0.2, 0.5), (0.5, 0.9), (0.9, 1)]
)
def test_chance_best_is_how_often_the_arm_is_best(
    variants: pl.DataFrame, low: float, high: float
) -> None:
    """Tolerance: four standard errors and .005 for the normal approximation."""
    part = variants.filter(pl.col("chance_best").is_between(low, high, closed="right"))
    stated, real = part["chance_best"].mean(), part["is_best"].mean()
    assert stated == pytest.approx(real, abs=0.005 + 4 * 0.5 / np.sqrt(part.height))


def test_lift_and_loss_of_the_leading_arm_are_what_it_brings(
    variants: pl.DataFrame,
) -> None:
    """No winner's curse: the picked arm's stated lift and loss are right on average."""
    ratio = pl.col("truth").exp()
    told = variants.with_columns(
        (ratio - 1).alias("brings"),
        (ratio.max().over("experiment_id") - ratio).alias("forgoes"),
    )
    picked = told.sort("lift", descending=True).group_by("experiment_id").first()
    for stated, real in (("lift", "brings"), ("expected_loss", "forgoes")):
        error = 4 * float((picked[stated] - picked[real]).std()) / np.sqrt(TESTS)  # type: ignore[arg-type]
        difference = picked[stated].mean() - picked[real].mean()  # type: ignore[operator]
        assert abs(difference) <= error + 0.02 * float(picked[real].mean())  # type: ignore[arg-type]
