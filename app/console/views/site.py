"""One site: its traffic, its goals, its speed, its tests."""

from typing import Any

import polars as pl
import streamlit as st

from app.console import charts, frames, page, wording
from app.console.reading import Reports

RATINGS = {
    "good": "Good",
    "needs_improvement": "Needs improvement",
    "needs improvement": "Needs improvement",
    "poor": "Poor",
}
VITALS = {
    "lcp": "Largest paint (LCP), ms",
    "fcp": "First paint (FCP), ms",
    "ttfb": "First byte (TTFB), ms",
    "inp": "Response to input (INP), ms",
    "fid": "First input delay (FID), ms",
    "cls": "Layout shift (CLS)",
}


def render() -> None:
    """Show the page."""
    found = page.reports()
    site_id = str(st.query_params.get("id", ""))
    sites = page.portfolio(found).filter(pl.col("site_id") == site_id)
    st.page_link("views/portfolio.py", label="All sites", icon=":material/arrow_back:")
    if sites.is_empty():
        st.title("Site")
        st.info("Choose a site from the list of all sites.")
        return
    site = sites.row(0, named=True)
    _head(site)
    _trends(found, site)
    _goals(found, site_id)
    _vitals(found, site_id)
    _tests(found, site_id)


def _head(site: dict[str, Any]) -> None:
    st.title(wording.plain(site["site_id"]))
    named = frames.site_goals(site) or [site["goal"]]
    goals = [wording.GOAL.get(goal, goal) for goal in named if goal]
    st.markdown(
        f"**{wording.plain(site['host'])}** · {wording.plain(site['vertical'])} "
        f"· run for **{', '.join(goals).lower() or wording.UNKNOWN}** · "
        f"data up to {wording.day(site['last_day'])}"
    )
    visitors, conversions, value, tests = st.columns(4)
    visitors.metric("Visitors, last 28 days", wording.count(site["visitors"]))
    conversions.metric("Conversions, last 28 days", wording.count(site["conversions"]))
    value.metric(
        "Value, last 28 days",
        wording.money(site["conversion_value_cents"]),
        help="In the site's own currency.",
    )
    tests.metric("Tests running", f"{site['tests_running']} of {site['tests_all']}")


def _trends(found: Reports, site: dict[str, Any]) -> None:
    daily = found.site_daily.filter(pl.col("site_id") == site["site_id"]).sort(
        "date_day"
    )
    if daily.is_empty():
        st.info("No events of this site yet.")
        return
    left, right = st.columns(2, gap="large")
    left.altair_chart(
        charts.daily(daily, "visitors", "How many people visit?", "Visitors a day"),
        alt="Visitors a day",
    )
    right.altair_chart(
        charts.daily(
            daily, "conversions", "How often is a goal reached?", "Conversions a day"
        ),
        alt="Conversions a day",
    )


def _goals(found: Reports, site_id: str) -> None:
    goals = (
        found.goal_daily.filter(pl.col("site_id") == site_id)
        .group_by("goal_type")
        .agg(
            pl.col("conversions").sum(),
            pl.col("value_cents").sum() / 100,
            pl.col("date_day").max(),
        )
        .sort("conversions", descending=True)
    )
    if goals.is_empty():
        return
    st.subheader("What each goal brought, over all time")
    st.dataframe(
        goals.with_columns(pl.col("goal_type").replace(wording.GOAL)),
        column_config={
            "goal_type": "Goal",
            "conversions": st.column_config.NumberColumn(
                "Conversions", format="localized"
            ),
            "value_cents": st.column_config.NumberColumn("Value", format="localized"),
            "date_day": st.column_config.DateColumn(
                "Last reached", format="D MMM YYYY"
            ),
        },
        hide_index=True,
    )


def _vitals(found: Reports, site_id: str) -> None:
    measured = found.web_vitals.filter(pl.col("site_id") == site_id)
    if measured.is_empty():
        return
    st.subheader("How fast the pages feel")
    st.caption("The 75th percentile: three of four visits were as good or better.")
    st.dataframe(
        measured.sort("metric", "device").select(
            pl.col("metric").str.to_lowercase().replace(VITALS),
            "device",
            "p75",
            pl.col("rating").replace(RATINGS),
            "measurements",
        ),
        column_config={
            "metric": "Measure",
            "device": "Device",
            "p75": st.column_config.NumberColumn("75th percentile", format="%.3g"),
            "rating": "Rating",
            "measurements": st.column_config.NumberColumn(
                "Measurements", format="localized"
            ),
        },
        hide_index=True,
        placeholder=wording.DASH,
    )


def _tests(found: Reports, site_id: str) -> None:
    tests = page.tests_list(found).filter(pl.col("site_id") == site_id)
    st.subheader("Its tests")
    if tests.is_empty():
        st.info("No test on this site yet.")
        return
    st.page_link(
        page.TESTS_PAGE,
        label=f"See its {tests.height} tests",
        icon=":material/science:",
        query_params={"site": site_id},
    )


render()
