"""The decision log: what was decided, about which test, and why."""

import polars as pl
import streamlit as st

from app.console import frames, page, wording

PROVEN = {"yes": "Proven", "no": "Not proven"}
COLUMNS = (
    "decided_at", "site_id", "experiment_id", "decision", "variant_id", "proof",
    "reason",
)  # fmt: skip


def render() -> None:
    """Show the page."""
    st.title("Decisions")
    st.caption("The log only grows: taking a decision back adds one.")
    everything = frames.history(page.reports())
    if everything.is_empty():
        st.info(
            "No decisions yet. The first run of the loop that analyses a test adds one."
        )
        return
    matching = _filtered(everything)
    if matching.is_empty():
        st.info("No decision matches this filter.")
        return
    _counts(matching)
    _table(page.shown(matching, frames.MAX_ROWS, "decisions"))


def _filtered(everything: pl.DataFrame) -> pl.DataFrame:
    known = everything.with_columns(
        pl.when("is_claimed").then(pl.lit("yes")).otherwise(pl.lit("no")).alias("proof")
    )
    found, site, kind, proof = st.columns([2, 1, 1, 1])
    with found:
        text = page.find("find_decision", "Test, site or words of the reason")
    with site:
        site_id = page.choice("Site", "site", known["site_id"])
    with kind:
        chosen = page.choice("Decision", "kind", known["kind"], wording.DECISION)
    with proof:
        proven = page.choice("Evidence", "proof", known["proof"], PROVEN)
    kept = page.keep(known, site_id=site_id, kind=chosen, proof=proven)
    return page.search(kept, ["experiment_id", "site_id", "reason"], text)


def _counts(decisions: pl.DataFrame) -> None:
    counted = dict(decisions["kind"].value_counts().iter_rows())
    shown = [kind for kind in wording.DECISION if kind in counted]
    shown += sorted(counted.keys() - wording.DECISION.keys())
    for column, kind in zip(st.columns(max(len(shown), 4)), shown, strict=False):
        column.metric(wording.DECISION.get(kind, kind), wording.count(counted[kind]))


def _table(decisions: pl.DataFrame) -> None:
    st.caption("Times are UTC. Click a row to open its test.")
    event = st.dataframe(
        decisions.with_columns(
            pl.col("kind").replace(wording.DECISION).alias("decision"),
            pl.when(pl.col("kind") == "ship")
            .then(pl.col("proof").replace(PROVEN))
            .alias("proof"),
        )
        .with_columns(page.chip("decision"))
        .select(COLUMNS),
        column_config=_columns(),
        hide_index=True,
        key="decisions_table",
        on_select="rerun",
        selection_mode="single-cell",
        row_height=36,
        height=page.height(decisions, 36),
        placeholder=wording.DASH,
    )
    page.open_clicked(decisions, event, "experiment_id", page.TEST_PAGE)


def _columns() -> page.Columns:
    text = st.column_config.TextColumn
    return {
        "decided_at": st.column_config.DatetimeColumn(
            "Decided", format="D MMM YYYY, HH:mm"
        ),
        "site_id": text("Site"),
        "experiment_id": text("Test"),
        "decision": page.chips("Decision"),
        "variant_id": text("Variant"),
        "proof": text("Win", help="Shipping and proving are two questions."),
        "reason": text("Reason", width="large"),
    }


render()
