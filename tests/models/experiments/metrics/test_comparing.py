"""Chances and e-values of metrics beside the goal, either way round."""

import numpy as np
import polars as pl

from models.experiments.analysis import analyze
from models.experiments.metrics.comparing import METRIC_SCHEMA, compare
from models.experiments.metrics.figures import figures
from models.experiments.policy import decide
from models.priors.mixture import normal
from tests.models.experiments import frames
from tests.models.experiments.metrics.units import (
    STATS,
    Units,
    arm,
    bins,
    metric,
    metrics,
    sums,
)


def revenue(rng: np.random.Generator, lift: float, units: int = 20_000) -> Units:
    return arm(rng.binomial(1, 0.1, units) * rng.lognormal(4, 0.5, units) * lift)


def test_harm_is_gain_where_less_is_better() -> None:
    rng = np.random.default_rng(1)
    pair = (revenue(rng, 1.0), revenue(rng, 0.8))
    rows = [r for name in ("up", "down") for r in sums(pair, "t", name)]
    declared = metrics(
        metric("t", "up", role="guardrail"),
        metric("t", "down", role="guardrail", is_increase_good=False),
    )
    told = compare(figures(declared, STATS, pl.DataFrame(rows), bins()))
    assert told.schema == METRIC_SCHEMA
    down, up = told.filter(~pl.col("is_control")).iter_rows(named=True)
    assert up["lift"] == down["lift"] < -0.1
    assert up["e_value_harm"] == down["e_value"] > 1_000
    assert up["e_value"] == down["e_value_harm"] < 1
    assert up["chance_to_win"] < 0.01
    assert down["chance_to_win"] > 0.99


def test_a_harmless_change_is_rarely_ever_said_to_harm() -> None:
    """600 A/A tests, each read at 20 looks; at most 5% may ever reach 20."""
    rng = np.random.default_rng(2)
    looks = [(revenue(rng, 1, 6_000), revenue(rng, 1, 6_000)) for _ in range(600)]
    rows = [
        row
        for test, pair in enumerate(looks)
        for look in range(1, 21)
        for row in sums(
            [arm(units.value[: look * 300]) for units in pair], f"t{test:03}-{look:02}"
        )
    ]
    names = sorted({row["experiment_id"] for row in rows})
    declared = metrics(*(metric(name, role="guardrail") for name in names))
    told = compare(figures(declared, STATS, pl.DataFrame(rows), bins()))
    ever = (
        told.filter(~pl.col("is_control"))
        .group_by(pl.col("experiment_id").str.head(4))
        .agg(pl.col("e_value_harm").max() >= 20)
    )
    assert ever.height == 600
    assert ever["e_value_harm"].sum() <= 0.05 * 600


def sales_test(lift: float) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return conversions that do not differ, and figures of revenue that does."""
    rng = np.random.default_rng(9)
    pair = (revenue(rng, 1.0, 40_000), revenue(rng, lift, 40_000))
    stats = frames.stats({"t": [(40_000, 4_000), (40_000, 4_000)]})
    goal = metrics(metric("t", "revenue", role="goal"))
    told = figures(goal, STATS, pl.DataFrame(sums(pair, "t", "revenue")), bins())
    return stats, told


def test_a_test_whose_goal_is_revenue_ships_by_it() -> None:
    stats, told = sales_test(1.2)
    weights = frames.weights(stats)
    by_revenue = analyze(stats, weights, figures=told)
    assert by_revenue["metric"].unique().to_list() == ["revenue"]
    variant = by_revenue.row(1, named=True)
    assert variant["raw_lift"] == by_revenue["rate"][1] / by_revenue["rate"][0] - 1
    assert 0.1 < variant["lift"] < variant["raw_lift"] + 0.01
    (verdict,) = decide(by_revenue)
    assert verdict.kind == "ship"
    assert "metric 'revenue'" in verdict.reason
    assert verdict.evidence["metric"] == "revenue"
    (by_conversions,) = decide(analyze(stats, weights))
    assert by_conversions.kind != "ship"


def test_the_posterior_of_a_mean_is_the_normal_one() -> None:
    """One scale and pairs: the closed form of a normal mean with a normal prior."""
    stats, told = sales_test(1.05)
    sd = 0.05
    table = analyze(stats, frames.weights(stats), normal(0.0, sd), figures=told)
    logs, variances = (told[n].to_numpy() for n in ("log_figure", "log_variance"))
    variance = variances.sum()
    weight = sd**2 / (sd**2 + variance)
    row = table.row(1, named=True)
    np.testing.assert_allclose(row["effect"], weight * (logs[1] - logs[0]), rtol=1e-9)
    np.testing.assert_allclose(row["effect_sd"], np.sqrt(weight * variance), rtol=1e-9)


def test_a_faulty_goal_holds_its_test_alone() -> None:
    stats, told = sales_test(1.2)
    wrong = pl.lit("test 't', metric 'revenue': wrong")
    broken = told.with_columns(wrong.alias("problem"))
    both = pl.concat([stats, stats.with_columns(experiment_id=pl.lit("u"))])
    table = analyze(both, frames.weights(both), figures=broken)
    verdicts = {verdict.experiment_id: verdict for verdict in decide(table)}
    assert verdicts["t"].kind == "hold"
    assert verdicts["t"].reason == "test 't', metric 'revenue': wrong"
    assert verdicts["u"].kind != "hold"
