"""Two published tests of real users, where their data is at hand."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from models.experiments.analysis import analyze
from models.experiments.exposures import count
from models.experiments.policy import decide
from models.priors.mixture import DEFAULT_PRIOR, normal
from tests.models.experiments import frames

pytestmark = pytest.mark.reference
Find = Callable[[str], Path]
PRIORS = [DEFAULT_PRIOR, normal(-0.05, 0.3), normal(0.0, 0.01)]


def landing_page(path: Path) -> pl.DataFrame:
    assigned = (pl.col("group") == "treatment").cast(pl.Int64)
    shown = (pl.col("landing_page") == "new_page").cast(pl.Int64)
    return count(
        pl.read_parquet(path).select(
            pl.lit("landing").alias("experiment_id"),
            pl.lit("shop").alias("site_id"),
            pl.col("user_id").alias("unit_id"),
            assigned.alias("variation_index"),
            shown.alias("shown_index"),
            pl.col("converted").alias("is_converted"),
            pl.col("timestamp").str.to_datetime().alias("at"),
        )
    )


def cookie_cats(path: Path) -> pl.DataFrame:
    gate = (pl.col("version") == "gate_40").cast(pl.Int64)
    return count(
        pl.read_parquet(path).select(
            pl.lit("gate").alias("experiment_id"),
            pl.lit("game").alias("site_id"),
            pl.col("userid").alias("unit_id"),
            gate.alias("variation_index"),
            gate.alias("shown_index"),
            pl.col("retention_7").alias("is_converted"),
            pl.lit(frames.START).alias("at"),
        )
    )


def test_landing_page_shows_no_difference(reference_data: Find) -> None:
    """Published after cleaning: .12039 against .11881, p = .190."""
    table = landing_page(reference_data("experiments/ab_landing_page.parquet"))
    rates = (table["conversions"] / table["units"]).to_list()
    assert rates == pytest.approx([0.12039, 0.11881], abs=5e-6)
    for prior in PRIORS:
        (verdict,) = decide(analyze(table, frames.weights(table), prior))
        assert verdict.kind == "stop"
        assert verdict.reason.startswith("No difference shown")
        assert verdict.variant_id == "v0"


def test_cookie_cats_is_held_before_a_winner_is_named(reference_data: Find) -> None:
    """The split is off with p = .0086; day-7 retention 19.02% against 18.20%."""
    table = cookie_cats(reference_data("experiments/cookie_cats.parquet"))
    rates = (table["conversions"] / table["units"]).to_list()
    assert rates == pytest.approx([0.1902, 0.1820], abs=5e-5)
    for prior in PRIORS:
        (verdict,) = decide(analyze(table, frames.weights(table), prior))
        assert (verdict.kind, verdict.variant_id) == ("hold", None)
        assert "44,700, 45,489 units against a planned 50.0%, 50.0%" in verdict.reason
        assert verdict.evidence["srm_p"] == pytest.approx(0.0086, abs=5e-5)
