"""Whether the effect stays over the days of the test, and what that means."""

import math
from typing import Any

import polars as pl
import streamlit as st

from app.console import wording
from app.console.reading import Reports

MEANING = {
    "falling": "Ship for what is left of it, not for the lift of the whole test.",
    "rising": "Visitors get used to it: a longer test would find more.",
}


def show(found: Reports, test_id: str) -> None:
    """Say of each variant how its effect changes, where that is known."""
    rows = found.novelty.filter(pl.col("experiment_id") == test_id)
    if rows.is_empty():
        return
    st.subheader("Does the effect stay?")
    for row in rows.sort("variation_index").iter_rows(named=True):
        if row["course"] in MEANING:
            st.warning(_changing(row), icon=":material/timeline:")
        else:
            st.caption(_steady(row))


def _changing(row: dict[str, Any]) -> str:
    way = "falls" if row["course"] == "falling" else "rises"
    return (
        f"The effect of **{wording.plain(row['variant_id'])}** {way}, by "
        f"{wording.share(abs(math.expm1(row['slope'])))} a week {_range(row)}: from "
        f"{wording.lift(row['lift_first'])} on the first day to {_latest(row)}. "
        f"{MEANING[row['course']]}"
    )


def _steady(row: dict[str, Any]) -> str:
    return (
        f"The effect of **{wording.plain(row['variant_id'])}** is steady as far as can "
        f"be told from {wording.count(row['days'])} days: "
        f"{wording.lift(math.expm1(row['slope']))} a week {_range(row)}, "
        f"{_latest(row)}."
    )


def _range(row: dict[str, Any]) -> str:
    low, high = (wording.lift(math.expm1(row[f"slope_{end}"])) for end in _ENDS)
    return f"(90% interval {low} to {high})"


def _latest(row: dict[str, Any]) -> str:
    low, high = (wording.lift(row[f"lift_latest_{end}"]) for end in _ENDS)
    return f"{wording.lift(row['lift_latest'])} ({low} to {high}) on the newest day"


_ENDS = ("low", "high")
