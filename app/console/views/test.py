"""One test in depth: what it shows, how sure that is, what was decided and why."""

from typing import Any, Literal

import polars as pl
import streamlit as st

from app.console import actions, charts, effects, frames, page, wording
from app.console.control import ControlError
from app.console.effects import Standing
from app.console.one_test import counted, decided, evidence, novelty, segments
from app.console.reading import Reports
from code24.contracts.experiment import Experiment
from code24.targeting.telling import EVERYBODY, asked

TONES = {
    "good": (st.success, ":material/trending_up:"),
    "bad": (st.warning, ":material/trending_down:"),
    "caution": (st.warning, ":material/report:"),
    "neutral": (st.info, ":material/drag_handle:"),
}
STATUS_COLOURS: dict[str, Literal["blue", "green", "orange"]] = {
    "running": "blue",
    "complete": "green",
    "paused": "orange",
}


def render() -> None:
    """Show the page."""
    found = page.reports()
    test_id = str(st.query_params.get("id", ""))
    everything = page.tests_list(found)
    tests = everything.filter(pl.col("experiment_id") == test_id)
    st.page_link(page.TESTS_PAGE, label="All tests", icon=":material/arrow_back:")
    if tests.is_empty():
        _not_reported(test_id)
        return
    test = tests.row(0, named=True)
    variants = frames.variants(found, test_id)
    decisions = frames.history(found, "experiment_id", test_id).to_dicts()
    now = None if test["verifies"] else actions.standing(test_id)
    _head(test, now.test.status if isinstance(now, Standing) else test["status"])
    _result(test, _leader(test, variants), decisions)
    if now is not None:
        _operate(test, now)
    _since_shipped(test, variants, frames.verifications(everything, test_id))
    evidence.show(test, variants)
    counted.counts(variants)
    counted.watched(found, test_id)
    novelty.show(found, test_id)
    segments.show(found, test)
    split, why = st.columns([2, 3], gap="large")
    with split:
        alternative = "Share of visitors per variant against the plan"
        evidence.chart(charts.split(variants), alternative)
    with why:
        decided.newest(test, decisions)
    decided.earlier(decisions)
    _definition(test, found)


def _not_reported(test_id: str) -> None:
    """Show a test that the reports do not know yet as the control API tells it."""
    if not test_id:
        st.title("Test")
        st.info("Choose a test from the list of all tests.")
        return
    st.title(wording.plain(test_id))
    st.info(
        f"No test is called **{wording.plain(test_id)}** in these reports: a new one "
        "is in them after the next run of the loop."
    )
    now = actions.standing(test_id)
    if isinstance(now, ControlError):
        actions.say_unknown(now)
        return
    page.told()
    _status(now.test.status)
    for variant, weight in zip(now.test.variants, now.test.traffic_split, strict=True):
        st.markdown(
            f"- **{wording.plain(variant.variant_id)}** "
            f"({wording.plain(variant.name)}), {wording.share(weight)}"
        )
    _asked(now.test)
    with st.container(horizontal=True):
        actions.steps(now)
        actions.schedule(now)


def _asked(test: Experiment) -> None:
    whom = asked(test.targeting)
    if whom != EVERYBODY:
        st.caption(f"Asks only: {wording.plain(whom)}")


def _status(status: str) -> None:
    words = wording.STATUS.get(status, status)
    st.badge(words, color=STATUS_COLOURS.get(status, "gray"))


def _operate(test: dict[str, Any], now: Standing | ControlError) -> None:
    """Offer what can be done about a test as it stands now, whatever reports say."""
    test_id = test["experiment_id"]
    page.told()
    actions.say_switched_off("testId", test_id)
    if isinstance(now, ControlError):
        actions.say_unknown(now)
    elif now.test.status != test["status"]:
        was = wording.STATUS.get(test["status"], test["status"]).lower()
        st.caption(f"The figures are of the last run, when it was {was}.")
    if isinstance(now, Standing) and now.test.status != "complete":
        dates = now.test.planned_start_date, now.test.planned_end_date
        if any(dates):
            st.caption(effects.of_schedule(now.test, *dates))
    if isinstance(now, Standing):
        _asked(now.test)
    with st.container(horizontal=True):
        if isinstance(now, Standing):
            actions.steps(now)
            actions.schedule(now)
        actions.switch("testId", test_id)
    st.space("xsmall")


def _leader(test: dict[str, Any], variants: pl.DataFrame) -> dict[str, Any] | None:
    """Return the variant that the latest analysis puts first, if there is one."""
    rows = variants.filter(pl.col("variant_id").eq_missing(pl.lit(test["leader"])))
    return None if rows.is_empty() else rows.row(0, named=True)


def _head(test: dict[str, Any], status: str) -> None:
    st.title(wording.plain(test["experiment_id"]))
    goal = wording.GOAL.get(test["goal_type"], test["goal_type"])
    stage, about = st.columns([1, 11], vertical_alignment="center")
    with stage:
        _status(status)
    about.markdown(
        f"**{wording.plain(test['site_id'])}** · {_kind(test)} for "
        f"**{goal.lower()}** · {_dates(test)}"
    )
    if test["verifies"] is not None:
        st.page_link(
            page.TEST_PAGE,
            label=f"The test that shipped: {wording.plain(test['verifies'])}",
            icon=":material/verified:",
            query_params={"id": test["verifies"]},
        )


def _kind(test: dict[str, Any]) -> str:
    if test["verifies"] is None:
        return f"{wording.plain(test['test_type'])} test"
    return f"verification against the {wording.exact_share(test['held_out'])} held out"


def _dates(test: dict[str, Any]) -> str:
    if test["start_at"] is None:
        return "not started"
    end = f"to {wording.day(test['end_at'])}" if test["end_at"] else "until decided"
    return f"{wording.day(test['start_at'])} {end}"


def _result(
    test: dict[str, Any],
    leader: dict[str, Any] | None,
    decisions: list[dict[str, Any]],
) -> None:
    newest = decisions[0] if decisions else None
    if test["verifies"] is None:
        _say(wording.headline(test, leader, newest))
    else:
        _say(wording.since_shipped(test))
    if test["problem"]:
        st.warning(wording.plain(test["problem"]), icon=":material/error:")
    figures = leader or {}
    lift, win, loss, visitors, split = st.columns(5)
    lift.metric("Lift of the leader", wording.lift(figures.get("lift")))
    win.metric("Chance to beat control", wording.chance(figures.get("chance_to_win")))
    loss.metric(
        "Expected loss",
        wording.share(figures.get("expected_loss"), 2),
        help="What shipping the leader would cost on average, if it is not the best: "
        "relative to the control's rate.",
    )
    visitors.metric("Visitors", wording.count(test["units"]))
    split.metric(
        "Split check, p",
        wording.p_value(test["srm_p"]),
        help="Chance of a split at least this uneven if visitors are assigned as "
        "planned. Below 0.01 no winner is named.",
    )


def _say(said: wording.Headline) -> None:
    box, icon = TONES[said.tone]
    box(f"**{said.text}**", icon=icon)


def _since_shipped(
    test: dict[str, Any], variants: pl.DataFrame, verifying: pl.DataFrame
) -> None:
    """Show whether the lift held, by those who never see what was shipped."""
    if verifying.is_empty():
        return
    winner = variants.filter(pl.col("variant_id") == test["winner_variant_id"])
    before = winner.row(0, named=True)["lift"] if winner.height else None
    with st.container(border=True):
        st.subheader("Since it shipped")
        for one in verifying.to_dicts():
            _say(wording.since_shipped(one))
            _verified(one, before)


def _verified(one: dict[str, Any], before: float | None) -> None:
    then, since, interval, out, visitors = st.columns(5)
    then.metric("Lift when it shipped", wording.lift(before))
    since.metric("Lift since it shipped", wording.lift(one["lift"]))
    known = one["lift"] is not None
    interval.metric("90% interval", wording.interval(one) if known else wording.UNKNOWN)
    out.metric("Held out, of visitors", wording.exact_share(one["held_out"]))
    visitors.metric("Visitors since", wording.count(one["units"]))
    st.page_link(
        page.TEST_PAGE,
        label="Its counts and charts",
        icon=":material/arrow_forward:",
        query_params={"id": one["experiment_id"]},
    )


def _definition(test: dict[str, Any], found: Reports) -> None:
    asked = wording.share(test["coverage"], 0)
    as_of = found.summary["as_of_event_at"].to_list()[:1]
    left_out = test["units_multiple"]
    if left_out:
        st.caption(
            f"{wording.count(left_out)} visitors saw several variants and are left out."
        )
    st.caption(
        f"{wording.count(test['variants'])} variants · {asked} of visitors take part "
        f"· {wording.count(test['conversions'])} conversions · events up to "
        f"{wording.moment(as_of[0] if as_of else None)} · reports {found.version}"
    )


render()
