"""One test in depth: what it shows, how sure that is, what was decided and why."""

import json
from typing import Any, Literal

import polars as pl
import streamlit as st

from app.console import actions, charts, effects, frames, metrics, page, wording
from app.console.control import ControlError
from app.console.effects import Standing
from app.console.reading import Reports

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
    _evidence(test, variants)
    _counts(variants)
    _metrics(found, test_id)
    split, decided = st.columns([2, 3], gap="large")
    with split:
        _chart(charts.split(variants), "Share of visitors per variant against the plan")
    with decided:
        _decided(test, decisions)
    _history(decisions)
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
    with st.container(horizontal=True):
        actions.steps(now)
        actions.schedule(now)


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


def _evidence(test: dict[str, Any], variants: pl.DataFrame) -> None:
    goal = wording.GOAL.get(test["goal_type"], test["goal_type"]).lower()
    effects = charts.effects(variants, goal)
    if effects is None:
        st.info("Nothing to chart yet: no variant has been analysed.")
        return
    left, right = st.columns(2, gap="large")
    with left:
        _chart(effects, "Lift of each variant with its 90% interval")
    with right:
        _chart(charts.posteriors(variants, goal), "Density of each variant's lift")
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


def _chart(chart: charts.Layers | None, alternative: str) -> None:
    if chart is not None:
        st.altair_chart(chart, alt=alternative)


def _counts(variants: pl.DataFrame) -> None:
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


def _metrics(found: Reports, test_id: str) -> None:
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


def _decided(test: dict[str, Any], decisions: list[dict[str, Any]]) -> None:
    st.subheader("What was decided, and why")
    if not decisions:
        is_one = test["verifies"] is not None
        st.info("It is watched, never decided about." if is_one else "No decision yet.")
        return
    newest = decisions[0]
    kind = wording.DECISION.get(newest["kind"], newest["kind"])
    st.markdown(
        f"**{kind}** on {wording.moment(newest['decided_at'])}. "
        f"{wording.plain(newest['reason'])}"
    )
    _proof(newest)


def _proof(decision: dict[str, Any]) -> None:
    with st.expander("Evidence it rests on", icon=":material/fact_check:"):
        for name in ("evidence", "policy"):
            st.caption(name.capitalize())
            if decision[name]:
                st.json(_parsed(decision[name]), expanded=2)
            else:
                st.text("Not part of these reports.")
        st.caption(f"Decision {decision['decision_id']}")


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return {"text": text}


def _history(decisions: list[dict[str, Any]]) -> None:
    if len(decisions) < 2:
        return
    st.subheader("What was decided before")
    st.dataframe(
        [
            {
                "Decided": wording.moment(row["decided_at"]),
                "Decision": wording.DECISION.get(row["kind"], row["kind"]),
                "Variant": row["variant_id"],
                "Reason": row["reason"],
            }
            for row in decisions[1:]
        ],
        column_config={"Reason": st.column_config.TextColumn(width="large")},
        hide_index=True,
        placeholder=wording.DASH,
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
