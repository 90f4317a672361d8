"""All sites: what each is run towards, how it does, what is tried on it."""

import polars as pl
import streamlit as st

from app.console import frames, page, wording

COLUMNS = (
    "site_id", "host", "vertical", "goal", "visitors", "visitors_trend", "conversions",
    "conversions_trend", "value", "tests_running", "last_decision", "last_day",
)  # fmt: skip


def render() -> None:
    """Show the page."""
    st.title("Sites")
    everything = page.portfolio(page.reports())
    if everything.is_empty():
        st.info("No sites yet. Add one with `code24 site add`.")
        return
    matching = _filtered(everything)
    _totals(matching)
    if matching.is_empty():
        st.info("No site matches this filter.")
        return
    _table(page.shown(matching, frames.MAX_ROWS, "sites"))


def _filtered(everything: pl.DataFrame) -> pl.DataFrame:
    left, middle, right = st.columns([2, 1, 1])
    with left:
        text = page.find("find_site", "Site or host")
    with middle:
        vertical = page.choice("Vertical", "vertical", everything["vertical"])
    with right:
        goal = page.choice("Main goal", "goal", everything["goal"], wording.GOAL)
    chosen = page.keep(everything, vertical=vertical, goal=goal)
    return page.search(chosen, ["site_id", "host"], text)


def _totals(sites: pl.DataFrame) -> None:
    number, visitors, conversions, running = st.columns(4)
    number.metric("Sites", wording.count(sites.height))
    visitors.metric(
        "Visitor days, last 28 days",
        wording.count(sites["visitors"].sum()),
        help=wording.VISITOR_DAYS,
    )
    conversions.metric(
        "Conversions, last 28 days", wording.count(sites["conversions"].sum())
    )
    running.metric("Tests running", wording.count(sites["tests_running"].sum()))


def _table(sites: pl.DataFrame) -> None:
    st.caption(
        "Figures are of each site's last 28 days with data. Click a row to open a site."
    )
    event = st.dataframe(
        _in_words(sites).select(COLUMNS),
        column_config=_columns(),
        hide_index=True,
        key="sites_table",
        on_select="rerun",
        selection_mode="single-cell",
        row_height=40,
        height=page.height(sites, 40),
        placeholder=wording.DASH,
    )
    page.open_clicked(sites, event, "site_id", page.SITE_PAGE)


def _in_words(sites: pl.DataFrame) -> pl.DataFrame:
    return sites.with_columns(
        pl.col("goal").replace(wording.GOAL),
        (pl.col("conversion_value_cents").replace(0.0, None) / 100).alias("value"),
        pl.format(
            "{}, {}",
            pl.col("decision").replace(wording.DECISION),
            pl.col("decided_at").dt.strftime("%-d %b %Y"),
        ).alias("last_decision"),
    )


def _columns() -> page.Columns:
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    line = st.column_config.LineChartColumn
    return {
        "site_id": text("Site", pinned=True),
        "host": text("Host"),
        "vertical": text("Vertical"),
        "goal": text("Main goal"),
        "visitors": number(
            "Visitor days", format="localized", help=wording.VISITOR_DAYS
        ),
        "visitors_trend": line("Visitors a day", width=130, y_min=0),
        "conversions": number("Conversions", format="localized"),
        "conversions_trend": line("Conversions a day", width=130, y_min=0),
        "value": number(
            "Value", format="localized", help="In the site's own currency."
        ),
        "tests_running": number("Tests running"),
        "last_decision": text("Last decision"),
        "last_day": st.column_config.DateColumn("Data up to", format="D MMM YYYY"),
    }


render()
