"""The whole analysis: its table, its figures, and what each test gets alone."""

from datetime import timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from models.experiments.analysis import (
    ANALYSIS_SCHEMA,
    AnalysisConfig,
    AnalysisConfigError,
    analyze,
)
from models.priors.mixture import DEFAULT_PRIOR, normal
from tests.models.experiments import frames

FLAT = normal(0.0, 10.0)


def analysed(counts: dict[str, Any], prior: Any = DEFAULT_PRIOR) -> pl.DataFrame:
    table = frames.stats(counts)
    return analyze(table, frames.weights(table), prior)


def test_table_has_its_schema_whatever_the_input() -> None:
    table = analysed({"a": [(1_000, 50), (1_000, 60)], "b": [(0, 0), (5, 9)]})
    assert dict(table.schema) == ANALYSIS_SCHEMA
    assert table["experiment_id"].to_list() == ["a", "a", "b", "b"]
    empty = frames.stats({"a": [(1, 1), (1, 1)]}).clear()
    nothing = analyze(empty, frames.weights(empty))
    assert dict(nothing.schema) == ANALYSIS_SCHEMA
    assert nothing.height == 0


def test_flat_prior_agrees_with_the_exact_beta_posterior() -> None:
    """Chance to win and interval against 400,000 draws of Beta posteriors; the
    normal law of the log ratio is good to .005 at these counts.
    """
    variant = analysed({"a": [(8_000, 400), (8_100, 460)]}, FLAT).row(1, named=True)
    rng = np.random.default_rng(3)
    control = rng.beta(400.5, 7_600.5, 400_000)
    ratio = rng.beta(460.5, 7_640.5, 400_000) / control
    assert variant["chance_to_win"] == pytest.approx((ratio > 1).mean(), abs=0.005)
    low, high = np.quantile(ratio - 1, [0.05, 0.95])
    assert variant["lift_low"] == pytest.approx(low, abs=0.005)
    assert variant["lift_high"] == pytest.approx(high, abs=0.005)
    assert variant["lift"] == pytest.approx(ratio.mean() - 1, abs=0.002)


def test_published_p_value_is_the_flat_prior_s_chance_to_win() -> None:
    """The landing-page test as published after cleaning: z = -1.311, p = .190."""
    counts = {"landing": [(145_274, 17_489), (145_310, 17_264)]}
    variant = analysed(counts, FLAT).row(1, named=True)
    assert variant["control_rate"] == pytest.approx(0.12039, abs=5e-6)
    assert variant["rate"] == pytest.approx(0.11881, abs=5e-6)
    assert 2 * variant["chance_to_win"] == pytest.approx(0.190, abs=0.001)


def test_learned_prior_shrinks_the_lift_and_its_interval() -> None:
    counts = {"a": [(1_000, 50), (1_000, 75)]}
    flat = analysed(counts, FLAT).row(1, named=True)
    shrunk = analysed(counts).row(1, named=True)
    assert 0 < shrunk["lift"] < flat["lift"] / 2
    assert (
        shrunk["lift_high"] - shrunk["lift_low"] < flat["lift_high"] - flat["lift_low"]
    )
    assert shrunk["raw_lift"] == flat["raw_lift"] == pytest.approx(0.5)


def test_each_test_may_have_its_own_prior() -> None:
    counts = {name: [(1_000, 50), (1_000, 75)] for name in "abc"}
    own = {"a": normal(0.0, 0.01), "b": normal(0.0, 0.3)}
    table = analysed(counts, own).filter(~pl.col("is_control"))
    assert table["prior_sd"].to_list() == [0.01, 0.3, DEFAULT_PRIOR.sd]
    assert table["lift"][0] < table["lift"][2] < table["lift"][1]


def test_e_value_needs_a_prior_that_was_fixed_before_the_test() -> None:
    counts = {name: [(1_000, 50), (1_000, 75)] for name in ("early", "late", "never")}
    own = {
        "early": normal(0.0, 0.1, tests=9, before=frames.START),
        "late": normal(0.0, 0.1, tests=9, before=frames.START + timedelta(seconds=1)),
        "never": normal(0.0, 0.1, tests=9),
    }
    table = analysed(counts, own).filter(~pl.col("is_control"))
    assert table["e_value"].is_not_null().to_list() == [True, False, False]
    assert table["lift"].n_unique() == 1


def test_control_has_no_chance_to_beat_itself() -> None:
    control = analysed({"a": [(1_000, 50), (1_000, 75)]}).row(0, named=True)
    assert control["is_control"]
    assert control["chance_to_win"] is None
    assert control["e_value"] is None
    assert (control["effect"], control["lift"], control["lift_low"]) == (0, 0, 0)


def test_order_of_rows_and_company_of_tests_change_nothing() -> None:
    counts = {"a": [(1_000, 50), (1_000, 75)], "b": [(900, 30), (950, 41), (920, 36)]}
    table = frames.stats(counts)
    weights = frames.weights(table)
    shuffled = analyze(
        table.sample(fraction=1, shuffle=True, seed=1), weights.reverse()
    )
    alone = analyze(table.filter(pl.col("experiment_id") == "b"), weights)
    together = analyze(table, weights)
    assert shuffled.equals(together)
    assert together.tail(3).equals(alone)


def test_variant_switched_off_with_weight_zero_is_left_out() -> None:
    table = frames.stats({"a": [(1_000, 50), (0, 0), (1_000, 75)]})
    weights = frames.weights(table).with_columns(weight=pl.Series([0.5, 0.0, 0.5]))
    found = analyze(table, weights)
    assert found["problem"].null_count() == 3
    assert found["lift"].is_null().to_list() == [False, True, False]


def test_units_seen_in_several_variants_are_told_as_a_share() -> None:
    table = frames.stats({"a": [(400, 40), (500, 50)]}, units_multiple=100)
    found = analyze(table, frames.weights(table))
    assert found["multiple_share"].to_list() == [0.1, 0.1]


def test_least_data_asks_every_arm() -> None:
    table = frames.stats({"a": [(900, 24), (900, 99)], "b": [(900, 25), (900, 25)]})
    found = analyze(table, frames.weights(table))
    assert found["is_enough_data"].to_list() == [False, False, True, True]


@pytest.mark.parametrize(
    ("name", "value"), [("interval", 0.3), ("interval", 1.0), ("least_conversions", 0)]
)
def test_configuration_out_of_range_is_refused(name: str, value: Any) -> None:
    with pytest.raises(AnalysisConfigError, match=f"{name}={value}"):
        AnalysisConfig(**{name: value})
