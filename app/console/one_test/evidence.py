"""How large the effects are and how sure that is, in charts."""

from typing import Any

import polars as pl
import streamlit as st

from app.console import charts, wording


def show(test: dict[str, Any], variants: pl.DataFrame) -> None:
    """Show effects and posteriors as charts, and say which prior they start from."""
    goal = wording.GOAL.get(test["goal_type"], test["goal_type"]).lower()
    effects = charts.effects(variants, goal)
    if effects is None:
        st.info("Nothing to chart yet: no variant has been analysed.")
        return
    left, right = st.columns(2, gap="large")
    with left:
        chart(effects, "Lift of each variant with its 90% interval")
    with right:
        chart(charts.posteriors(variants, goal), "Density of each variant's lift")
    st.caption(_prior_in_words(variants))


def _prior_in_words(variants: pl.DataFrame) -> str:
    row = variants.filter(~pl.col("is_control")).row(0, named=True)
    if row["prior_sd"] is None:
        return "The prior of this analysis is not known."
    learned = (
        f"learned from {wording.count(row['prior_tests'])} finished tests"
        if row["prior_tests"]
        else "the default one, as no finished test has taught it yet"
    )
    return (
        f"The prior is {learned}: log ratios around {_signed(row['prior_mean'])}, "
        f"standard deviation {row['prior_sd']:.3f}. It draws noisy results towards "
        "what changes usually do, so the estimate (round) lies nearer to it than the "
        "counts alone (diamond)."
    )


def _signed(value: float | None) -> str:
    return f"{value or 0.0:.3f}".replace("-", wording.MINUS)


def chart(drawn: charts.Layers | None, alternative: str) -> None:
    """Show a chart where there is one, with words for those who cannot see it."""
    if drawn is not None:
        st.altair_chart(drawn, alt=alternative)
