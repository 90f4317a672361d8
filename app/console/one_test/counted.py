"""What was counted: by the goal, and by the metrics beside it."""

import polars as pl
import streamlit as st

from app.console import metrics, page, wording
from app.console.reading import Reports


def counts(variants: pl.DataFrame) -> None:
    """Show each variant's counts and figures."""
    st.subheader("What was counted")
    _suspicious(variants)
    kinds = variants["metric_kind"].drop_nulls()
    is_share = kinds.is_in(metrics.SHARES).all()
    rate = ["rate"] if is_share else []
    rows = variants.with_columns(
        pl.col(*rate, "lift", "raw_lift", "chance_to_win", "expected_loss") * 100,
        pl.when("is_control")
        .then(pl.lit("Control"))
        .otherwise(pl.format("{} to {}", *_ends()))
        .alias("interval"),
    ).with_columns(
        pl.when(~pl.col("is_control")).then(pl.col(name)).alias(name)
        for name in ("lift", "raw_lift", "chance_to_win")
    )
    st.dataframe(
        rows.select(
            "variant_id", "name", "units", "conversions", "rate", "lift", "interval",
            "raw_lift", "chance_to_win", "expected_loss", "e_value",
        ),
        column_config=_count_columns(is_share=is_share),
        hide_index=True,
        placeholder=wording.DASH,
    )  # fmt: skip


def _ends() -> list[pl.Expr]:
    return [
        pl.col(name).map_elements(wording.lift, return_dtype=pl.String)
        for name in ("lift_low", "lift_high")
    ]


def _suspicious(variants: pl.DataFrame) -> None:
    """Warn of lifts that are too good to be true."""
    for row in variants.filter(pl.col("is_suspicious")).iter_rows(named=True):
        st.warning(
            f"The lift of **{wording.plain(row['variant_id'])}** is too good to be "
            f"true: before the test it had a chance of {row['surprise_p']:.1g}. Look "
            "whether everything is counted right.",
            icon=":material/troubleshoot:",
        )


def watched(found: Reports, test_id: str) -> None:
    """Show the metrics beside the goal; they decide nothing, guardrails aside."""
    rows, wrong = metrics.of_test(found, test_id), metrics.problems(found, test_id)
    if rows.is_empty() and not wrong:
        return
    st.subheader("Other metrics")
    for problem in wrong:
        st.warning(wording.plain(problem), icon=":material/error:")
    if rows.height:
        st.dataframe(
            metrics.as_table(rows),
            column_config=_metric_columns(),
            hide_index=True,
            placeholder=wording.DASH,
        )


def _metric_columns() -> page.Columns:
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    return {
        "role": text("Role"),
        "metric_id": text("Metric", pinned=True),
        "variant_id": text("Variant"),
        "units": number("Visitors", format="localized"),
        "figure": text("Figure", help="Per visitor; a ratio or a quantile as named."),
        "lift": number("Lift", format="%+.1f%%", help="Drawn towards the prior."),
        "range": text("90% interval"),
        "chance_to_win": number(
            "Chance to be better", format="%.1f%%", help="In the good direction."
        ),
        "e_value_harm": number(
            "E-value of harm",
            format="compact",
            help="Evidence that it is worse, valid however often one looks.",
        ),
        "units_pending": number(
            "Window not over", format="localized", help="Visitors still to be counted."
        ),
    }


def _count_columns(*, is_share: bool) -> page.Columns:
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    return {
        "variant_id": text("Variant", pinned=True),
        "name": text("Name", width=330),
        "units": number("Visitors", format="localized"),
        "conversions": number("Converted", format="localized"),
        "rate": number("Rate", format="%.2f%%" if is_share else "%.3f"),
        "lift": number("Lift", format="%+.1f%%", help="Drawn towards the prior."),
        "interval": text("90% interval"),
        "raw_lift": number("Counts alone", format="%+.1f%%", help="Without the prior."),
        "chance_to_win": number("Chance to win", format="%.1f%%"),
        "expected_loss": number("Expected loss", format="%.2f%%"),
        "e_value": number(
            "E-value",
            format="compact",
            help="Evidence for a gain, valid however often one looks; 20 times the "
            "number of variants compared proves one.",
        ),
    }
