"""Effects by segment: shrunk, covered, and called different on evidence alone."""

import numpy as np
import polars as pl
import pytest

from models.experiments import scales, segments
from models.experiments.analysis import analyze
from models.experiments.arms import Floats
from models.experiments.mixing import MixedPrior
from models.experiments.partial_pooling import Seen, centers, pool
from models.priors.mixture import normal
from tests.models.experiments import frames

PRIOR_SD = 0.1
SEGMENTS = 4


def rows(
    test: str, segment: str, counts: list[tuple[int, int]], dimension: str = "device"
) -> list[dict[str, object]]:
    """Return mart rows of one segment, its arms given as (units, conversions)."""
    return [
        {
            "experiment_id": test,
            "dimension": dimension,
            "segment": segment,
            "variation_index": index,
            "site_id": "shop",
            "variant_id": f"v{index}",
            "units": units,
            "conversions": conversions,
        }
        for index, (units, conversions) in enumerate(counts)
    ]


def analysed(stats: pl.DataFrame) -> pl.DataFrame:
    """Return the tests' own analyses, from the segments of one dimension."""
    first = stats["dimension"][0]
    arms = stats.filter(dimension=first).group_by(
        "experiment_id", "variation_index", maintain_order=True
    )
    totals = arms.agg(pl.col("units", "conversions").sum())
    counts = {
        str(test): list(part.select("units", "conversions").iter_rows())
        for (test,), part in totals.group_by("experiment_id", maintain_order=True)
    }
    table = frames.stats(counts)
    return analyze(table, frames.weights(table), normal(0.0, PRIOR_SD))


def world(tests: int, spread: float, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the mart's rows of simulated tests, and the true effect by segment."""
    rng = np.random.default_rng(seed)
    found: list[dict[str, object]] = []
    truth: list[dict[str, object]] = []
    for number in range(tests):
        test = f"t{number:04}"
        effects = rng.normal(0.0, PRIOR_SD) + rng.normal(0.0, spread, SEGMENTS)
        for place, effect in enumerate(effects):
            control = rng.binomial(4_000, 0.05)
            variant = rng.binomial(4_000, 0.05 * np.exp(effect))
            found += rows(test, f"s{place}", [(4_000, control), (4_000, variant)])
            truth.append({"experiment_id": test, "segment": f"s{place}", "t": effect})
    return pl.DataFrame(found), pl.DataFrame(truth)


@pytest.mark.parametrize("spread", [0.0, 0.1, 0.3])
def test_the_spread_is_learned_and_intervals_hold(spread: float) -> None:
    stats, truth = world(300, spread, seed=3)
    found = segments.analyze(stats, analysed(stats))
    told = found.join(truth, on=["experiment_id", "segment"])
    lift = told["t"].exp() - 1
    holds = ((told["lift_low"] <= lift) & (lift <= told["lift_high"])).mean()
    assert isinstance(holds, float)
    assert 0.87 <= holds <= 0.94  # 1,200 intervals of 90%, two standard errors and more
    learned = float(np.sqrt(np.square(found["spread"]).mean()))
    assert learned == pytest.approx(spread, abs=0.035)
    shrunk = np.square(told["effect"] - told["t"]).mean()
    counted = np.square((1 + told["raw_lift"]).log() - told["t"]).mean()
    assert shrunk < counted
    if not spread:
        assert shrunk < 0.5 * counted


def test_looking_again_and_again_calls_hardly_any_equal_segment_different() -> None:
    rng = np.random.default_rng(5)
    looks, tests = 20, 300
    arrived = rng.binomial(400, 0.05, (looks, tests, SEGMENTS, 2)).cumsum(axis=0)
    ever = np.zeros(tests, dtype=bool)
    for look, counts in enumerate(arrived, start=1):
        stats = pl.DataFrame(
            [
                row
                for test in range(tests)
                for place in range(SEGMENTS)
                for row in rows(
                    f"t{test:04}",
                    f"s{place}",
                    [(400 * look, int(n)) for n in counts[test, place]],
                )
            ]
        )
        told = segments.analyze(stats, analysed(stats))
        by_test = told.group_by("experiment_id").agg(pl.col("is_different").any())
        ever |= by_test.sort("experiment_id")["is_different"].to_numpy()
    assert ever.mean() <= segments.LEVEL


def test_a_segment_that_differs_is_found_and_the_others_stay() -> None:
    stats = pl.DataFrame(
        [
            row
            for segment, variant in (("desktop", 1_020), ("mobile", 1_500))
            for row in rows("t", segment, [(20_000, 1_000), (20_000, variant)])
        ]
        + rows("even", "desktop", [(20_000, 1_000), (20_000, 1_080)])
        + rows("even", "mobile", [(20_000, 1_000), (20_000, 1_060)])
    )
    found = segments.analyze(stats, analysed(stats))
    assert found["is_different"].to_list() == [False, False, True, True]
    assert found["e_value_needed"].to_list() == [40.0] * 4
    lifts = found["lift"].to_list()
    assert 0.0 < lifts[2] < 0.1
    assert 0.3 < lifts[3] < 0.5
    assert abs(lifts[0] - lifts[1]) < 0.02


def test_what_says_nothing_has_no_rows() -> None:
    sound = rows("t", "desktop", [(900, 40), (900, 50)])
    stats = pl.DataFrame(
        [
            *sound,
            *rows("t", "unknown", [(900, 40), (900, 50)]),
            *rows("t", "tablet", [(0, 0), (10, 1)]),
            *rows("t", "new", [(900, 40), (900, 50)], "visitor_type"),
            *rows("t", "returning", [(900, 40), (900, 50)], "visitor_type"),
        ]
    )
    analyses = analysed(stats)
    found = segments.analyze(stats, analyses)
    assert found["segment"].to_list() == ["new", "returning"]
    broken = analyses.with_columns(pl.lit("units is negative").alias("problem"))
    assert segments.analyze(stats, broken).is_empty()
    assert segments.analyze(stats.clear(), analyses).schema == segments.SEGMENT_SCHEMA


def test_small_segments_beyond_the_largest_stand_together() -> None:
    stats = pl.DataFrame(
        [
            row
            for number in range(15)
            for row in rows("t", f"c{number:02}", [(500 - number, 30)] * 2, "country")
        ]
    )
    found = segments.analyze(stats, analysed(stats))
    assert found.height == segments.LARGEST + 1
    assert found.filter(segment="other")["units"].to_list() == [488 + 487 + 486]
    assert found["units"].sum() == stats.filter(variation_index=0)["units"].sum()


def test_segments_with_few_conversions_are_never_called_different() -> None:
    stats = pl.DataFrame(
        rows("t", "desktop", [(9_000, 400), (9_000, 410)])
        + rows("t", "tablet", [(900, 1), (900, 200)])
    )
    found = segments.analyze(stats, analysed(stats))
    assert found["e_value"].null_count() == 2
    assert not found["is_different"].any()


def brute_force(value: Floats, variance: Floats, spread: float) -> tuple[Floats, float]:
    """Return the segments' posterior means, and the evidence, by a sum over a grid."""
    grid = np.linspace(-1.5, 1.5, 6_001)
    sds = np.array([0.0, 0.05, 0.2])
    prior = np.full((3, len(grid)), 0.0)
    prior[0, np.abs(grid).argmin()] = 1.0
    for place in (1, 2):
        density = np.exp(-0.5 * np.square((grid - 0.5 * sds[place]) / sds[place]))
        prior[place] = density / density.sum()
    total = variance + spread**2
    likelihood = np.exp(-0.5 * np.square(value - grid[:, None]) / total)
    likelihood = (likelihood / np.sqrt(total)).prod(axis=1)
    joint = (np.array([0.5, 0.3, 0.2]) @ prior) * likelihood
    own = spread**2 / total
    means = own * value + (1 - own) * grid[:, None]
    return (joint[:, None] * means).sum(axis=0) / joint.sum(), float(joint.sum())


def test_the_closed_form_is_the_integral() -> None:
    value, variance = np.array([0.2, -0.1, 0.05]), np.array([0.01, 0.02, 0.005])
    prior = MixedPrior(
        np.array([[0.0, 0.05, 0.2]]),
        np.array([[0.5, 0.3, 0.2]]),
        np.array([0.5]),
        np.array([0.5]),
    )
    seen = Seen(np.zeros(3, dtype=np.int64), value, variance)
    found = centers(seen, prior)
    pooled = pool(seen, found, scales.DEFAULT[None, :])
    by_hand = [brute_force(value, variance, spread) for spread in scales.SCALES]
    for place, (means, _) in enumerate(by_hand):
        np.testing.assert_allclose(pooled.effect[:, place], means, atol=1e-6)
    evidence = np.array([total for _, total in by_hand])
    ratio = np.exp(found.log_evidence[0] - found.log_evidence[0, 0])
    np.testing.assert_allclose(ratio, evidence / evidence[0], rtol=1e-6)
