"""Whether the change works alike by channel, country, device, new or returning."""

from typing import Any

import polars as pl
import streamlit as st

from app.console import forest, frames, page, wording
from app.console.one_test.evidence import chart
from app.console.reading import Reports


def show(found: Reports, test: dict[str, Any]) -> None:
    """Show each variant's lift by segment, where there are segments."""
    test_id = test["experiment_id"]
    rows = found.segments.filter(pl.col("experiment_id") == test_id)
    if rows.is_empty():
        return
    st.subheader("By segment")
    variant = _chosen(rows)
    own = rows.filter(pl.col("variant_id") == variant)
    _say(own)
    goal = wording.GOAL.get(test["goal_type"], test["goal_type"]).lower()
    drawn = forest.of_segments(own, _whole(found, test_id, variant), goal)
    chart(drawn, "Lift of the variant in each segment with its 90% interval")
    with st.expander("What was counted by segment", icon=":material/table:"):
        _table(own)


def _chosen(rows: pl.DataFrame) -> str:
    variants = rows.sort("variation_index")["variant_id"].unique(maintain_order=True)
    if len(variants) == 1:
        return str(variants[0])
    return str(st.selectbox("Variant", variants.to_list(), key="segments-variant"))


def _whole(found: Reports, test_id: str, variant: str) -> float | None:
    rows = frames.variants(found, test_id).filter(pl.col("variant_id") == variant)
    return None if rows.is_empty() else rows["lift"][0]


def _say(rows: pl.DataFrame) -> None:
    """Name the segments that differ; where there is none, say so."""
    differing = rows.filter("is_different")
    for row in differing.iter_rows(named=True):
        way = "better" if row["difference"] > 0 else "worse"
        st.warning(
            f"**{wording.plain(forest.name(row))}**: the change does {way} here than "
            f"elsewhere, {wording.lift(row['lift'])} ({wording.interval(row)}).",
            icon=":material/call_split:",
        )
    if differing.is_empty():
        st.caption(
            "No segment is shown to differ. Some always look different by chance; "
            "before one is named, its own evidence has to hold against all that are "
            "compared, however often one looks."
        )


def _table(rows: pl.DataFrame) -> None:
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    columns: page.Columns = {
        "dimension": text("By"),
        "segment": text("Segment", pinned=True),
        "units": number("Visitors", format="localized"),
        "conversions": number("Converted", format="localized"),
        "control_units": number("Of the control", format="localized"),
        "control_conversions": number("Converted", format="localized"),
        "lift": number("Lift", format="%+.1f%%", help="Drawn towards the test's."),
        "raw_lift": number("Counts alone", format="%+.1f%%"),
        "e_value": number(
            "E-value",
            format="compact",
            help="Evidence that the segment differs from the rest, valid however often "
            "one looks.",
        ),
        "e_value_needed": number("Needed", format="compact"),
    }
    shown = rows.with_columns(
        pl.col("dimension").replace(forest.DIMENSION),
        pl.col("lift", "raw_lift") * 100,
    )
    st.dataframe(
        shown.select(*columns),
        column_config=columns,
        hide_index=True,
        placeholder=wording.DASH,
    )
