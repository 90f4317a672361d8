"""One site: its traffic, where it comes from, its goals, its speed, bots, its tests."""

from typing import Any

import polars as pl
import streamlit as st

from app.console import actions, charts, frames, page, wording
from app.console.control import Control, ControlError
from app.console.reading import Reports
from code24.contracts.site_policy import SitePolicy
from code24.settings import load

RATINGS = {"good": "Good", "needs improvement": "Needs improvement", "poor": "Poor"}
VITALS = {  # the one that matters most first
    "lcp": "Largest paint (LCP)",
    "inp": "Response to input (INP)",
    "cls": "Layout shift (CLS)",
    "fcp": "First paint (FCP)",
    "ttfb": "First byte (TTFB)",
    "fid": "First input delay (FID)",
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
    _channels(found, site_id)
    _goals(found, site_id)
    _vitals(found, site_id)
    _bots(found, site_id)
    _tests(found, site_id)
    policy = _policy(site_id)
    if policy is not None:
        _queue(site_id)
    page.told()
    actions.say_switched_off("siteId", site_id)
    with st.container(horizontal=True):
        if policy is not None:
            actions.policy(policy)
        actions.switch("siteId", site_id)


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
    visitors.metric(
        "Visitor days, last 28 days",
        wording.count(site["visitors"]),
        help=wording.VISITOR_DAYS,
    )
    conversions.metric("Conversions, last 28 days", wording.count(site["conversions"]))
    cents = site["conversion_value_cents"]
    value.metric(
        "Value, last 28 days",
        wording.money(cents) if cents else wording.DASH,
        help="In the site's own currency.",
    )
    tests.metric("Tests running", f"{site['tests_running']} of {site['tests_all']}")


def _trends(found: Reports, site: dict[str, Any]) -> None:
    daily = frames.days(found, site["site_id"])
    if daily.is_empty():
        st.info("No events of this site yet.")
        return
    left, right = st.columns(2, gap="large")
    left.altair_chart(
        charts.daily(daily, "visitors", "How many people visit?", "Visitors a day"),
        alt="Visitors a day",
    )
    if not daily["conversions"].sum():
        right.info("No goal was reached in this time.")
        return
    right.altair_chart(
        charts.daily(
            daily, "conversions", "How often is a goal reached?", "Conversions a day"
        ),
        alt="Conversions a day",
    )


def _channels(found: Reports, site_id: str) -> None:
    channels = frames.channels(found, site_id)
    if not channels.is_empty():
        st.altair_chart(
            charts.channels(channels), alt="Sessions and conversions a channel"
        )


def _bots(found: Reports, site_id: str) -> None:
    bots = frames.bots(found, site_id)
    if bots.is_empty():
        return
    st.subheader("Robots left out of all figures, last 28 days")
    st.caption("What found each, and by which pattern. Their events are kept.")
    st.dataframe(
        page.shown(bots, frames.MAX_ROWS, "reasons"),
        column_config={
            "bot_reason": "Found by",
            "events": st.column_config.NumberColumn("Events", format="localized"),
            "date_day": st.column_config.DateColumn("Last seen", format="D MMM YYYY"),
        },
        height=page.height(bots, 35),
        hide_index=True,
    )


def _goals(found: Reports, site_id: str) -> None:
    goals = (
        found.goal_daily.filter(pl.col("site_id") == site_id)
        .group_by("goal_type")
        .agg(
            pl.col("conversions").sum(),
            pl.col("value_cents").sum().replace(0.0, None) / 100,
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
        placeholder=wording.DASH,
    )


def _vitals(found: Reports, site_id: str) -> None:
    measured = found.web_vitals.filter(
        (pl.col("site_id") == site_id)
        & pl.col("measurement_type").is_in(["overall", "by_device"])
    )
    if measured.is_empty():
        return
    st.subheader("How fast the pages feel")
    st.caption("The 75th percentile: three of four visits were as good or better.")
    st.dataframe(
        [
            {
                "Measure": VITALS.get(row["metric"], row["metric"]),
                "Device": row["device"],
                "75th percentile": wording.vital(row["metric"], row["p75"]),
                "Rating": [RATINGS.get(row["rating"], row["rating"])],
                "Page views measured": row["measurements"],
            }
            for row in sorted(measured.to_dicts(), key=_by_importance)
        ],
        column_config={
            "75th percentile": st.column_config.TextColumn(alignment="right"),
            "Rating": page.chips("Rating"),
            "Page views measured": st.column_config.NumberColumn(format="localized"),
        },
        height=page.height(measured, 35),
        hide_index=True,
        placeholder=wording.DASH,
    )


def _by_importance(row: dict[str, Any]) -> tuple[int, str]:
    known = list(VITALS)
    metric = row["metric"]
    return known.index(metric) if metric in known else len(known), row["device"]


def _policy(site_id: str) -> SitePolicy | None:
    """Show how far the platform goes by itself, as the control API tells it now."""
    st.subheader("How far it goes by itself")
    try:
        policy = Control(load()).policy(site_id)
    except ControlError as error:
        st.error(wording.plain(str(error)), icon=":material/error:")
        return None
    decisions, priors, held_out = st.columns(3)
    decisions.metric(
        "Decisions",
        "Wait for approval" if policy.is_approval_needed else "Automatic",
        help="Those that visitors see: ship, stop and shift.",
    )
    priors.metric(
        "Its finished tests inform",
        "All sites" if policy.is_shared else "This site alone",
        help="What they taught goes into the priors of tests to come.",
    )
    held_out.metric(
        "Held out",
        f"{wording.exact_share(policy.holdout)} of visitors"
        if policy.holdout
        else "Nobody",
        help="Of every test and of everything that was shipped, to see what it brings.",
    )
    return policy


def _queue(site_id: str) -> None:
    """Show the site's slots and what waits for them, as the control API tells now."""
    try:
        queue = Control(load()).queue(site_id)
    except ControlError as error:
        st.error(wording.plain(str(error)), icon=":material/error:")
        return
    taken, waiting, worth = st.columns(3)
    taken.metric(
        "Slots taken",
        f"{queue.taken} of {queue.slots}" if queue.slots else "Started by hand",
        help="Drafts start by themselves while a slot is free: `code24 site slots`.",
    )
    waiting.metric("Drafts that wait", wording.count(len(queue.drafts)))
    cost = queue.cost_of_day
    worth.metric(
        "Worth of a slot's day",
        wording.DASH if cost is None else f"{cost:.3%}",
        help="A lift over the horizon: set by an operator, or what the best waiting "
        "draft would bring while no slot is free. Tests that run stop sooner by it.",
    )
    chart = charts.queue(queue.drafts)
    if chart is not None:
        st.altair_chart(chart, alt="Worth of each draft for each day of a slot")


def _tests(found: Reports, site_id: str) -> None:
    tests = page.tests_list(found).filter(pl.col("site_id") == site_id)
    st.subheader("Its tests")
    if tests.is_empty():
        st.info("No test on this site yet.")
        return
    made = tests.filter(pl.col("verifies").is_null()).height
    st.page_link(
        page.TESTS_PAGE,
        label=f"See its {made} tests",
        icon=":material/science:",
        query_params={"site": site_id},
    )


render()
