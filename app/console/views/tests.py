"""All tests: how each stands, at one glance."""

import polars as pl
import streamlit as st

from app.console import frames, intervals, page, wording

COLUMNS = (
    "experiment_id", "site_id", "status", "variants", "units", "conversions", "leader",
    "picture", "lift", "chance_to_win", "decision", "health", "start_at", "end_at",
)  # fmt: skip
UNDECIDED = "none"
VERIFIES = "verifies"
DECISIONS = {**wording.DECISION, VERIFIES: "Verifies", UNDECIDED: "No decision"}
HEALTHY = "Healthy"


def render() -> None:
    """Show the page."""
    st.title("Tests")
    everything = page.tests_list(page.reports())
    if everything.is_empty():
        st.info("No tests yet. The first one shows here once it is created.")
        return
    matching = _filtered(everything)
    _totals(matching)
    if matching.is_empty():
        st.info("No test matches this filter.")
        return
    _table(page.shown(matching, frames.MAX_ROWS, "tests"))


def _filtered(everything: pl.DataFrame) -> pl.DataFrame:
    known = everything.with_columns(
        pl.when(pl.col("verifies").is_not_null())
        .then(pl.lit(VERIFIES))
        .otherwise(pl.col("decision").fill_null(UNDECIDED))
        .alias("decision"),
        pl.col("health").replace("", HEALTHY).alias("state"),
    )
    found, site, status, decision, health = st.columns([2, 1, 1, 1, 1])
    with found:
        text = page.find("find_test", "Test, site or kind")
    with site:
        site_id = page.choice("Site", "site", known["site_id"])
    with status:
        stage = page.choice("Status", "status", known["status"], wording.STATUS)
    with decision:
        kind = page.choice("Decision", "decision", known["decision"], DECISIONS)
    with health:
        state = page.choice("Health", "health", known["state"])
    chosen = page.keep(known, site_id=site_id, status=stage, decision=kind, state=state)
    return page.search(chosen, ["experiment_id", "site_id", "test_type"], text)


def _totals(matching: pl.DataFrame) -> None:
    """Count the tests that were made, and apart from them those that verify."""
    tests = matching.filter(pl.col("verifies").is_null())
    number, running, shipped, verifying, ill = st.columns(5)
    number.metric("Tests", wording.count(tests.height))
    running.metric("Running", wording.count((tests["status"] == "running").sum()))
    shipped.metric("Shipped", wording.count((tests["decision"] == "ship").sum()))
    verifying.metric(
        "Verifying",
        wording.count(matching.height - tests.height),
        help="What was shipped, against the visitors held out of it.",
    )
    ill.metric("Need a look", wording.count((matching["health"] != "").sum()))


def _table(tests: pl.DataFrame) -> None:
    drawn, axis = _with_pictures(tests)
    st.caption(
        "The interval is of the variant most likely to be best, against the control, "
        f"on an axis from {wording.lift(-axis, 0)} to {wording.lift(axis, 0)}: blue is "
        "ahead, orange behind, grey not clear. Click a row to open a test."
    )
    event = st.dataframe(
        drawn.select(COLUMNS),
        column_config=_columns(),
        hide_index=True,
        key="tests_table",
        on_select="rerun",
        selection_mode="single-cell",
        row_height=36,
        height=page.height(tests, 36),
        placeholder=wording.DASH,
    )
    page.open_clicked(tests, event, "experiment_id", page.TEST_PAGE)


def _with_pictures(tests: pl.DataFrame) -> tuple[pl.DataFrame, float]:
    """Put words and a picture of the interval into each row."""
    rows = tests.select("lift_low", "lift", "lift_high").rows()
    axis = intervals.reach(rows)
    drawings = [intervals.picture(row, axis) for row in rows]
    words = tests.with_columns(
        pl.col("status").replace(wording.STATUS),
        pl.col("decision").replace({UNDECIDED: None}).replace(DECISIONS),
        _named(),
        pl.col("lift", "chance_to_win") * 100,
        pl.Series("picture", drawings, dtype=pl.String),
        pl.col("health").replace("", None),
    ).with_columns(page.chip(name) for name in ("status", "decision", "health"))
    return words, axis


def _named() -> pl.Expr:
    """Call a test by its id, and one that verifies by the test that it verifies."""
    verifying = pl.format("↳ {}, since it shipped", pl.col("verifies"))
    return pl.coalesce(verifying, "experiment_id").alias("experiment_id")


def _columns() -> page.Columns:
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    date = st.column_config.DatetimeColumn
    return {
        "experiment_id": text("Test", pinned=True),
        "site_id": text("Site"),
        "status": page.chips("Status"),
        "variants": number("Variants"),
        "units": number("Visitors", format="localized"),
        "conversions": number("Converted", format="localized"),
        "leader": text("Best", help="The variant most likely to be the best."),
        "picture": st.column_config.ImageColumn("90% interval", width=205),
        "lift": number("Lift", format="%+.1f%%"),
        "chance_to_win": number(
            "Chance to win", format="%.1f%%", help="To beat the control."
        ),
        "decision": page.chips("Decision"),
        "health": page.chips("Health", "Empty where nothing is wrong."),
        "start_at": date("Started", format="D MMM YYYY"),
        "end_at": date("Ended", format="D MMM YYYY"),
    }


render()
