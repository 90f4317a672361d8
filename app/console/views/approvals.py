"""What waits for an operator's word: what would be done, why, and on what evidence."""

import msgspec
import polars as pl
import streamlit as st

from app.console import actions, charts, effects, frames, page, wording
from app.console.control import Control, ControlError
from code24.contracts.approval import Approval
from code24.contracts.decision import Decision
from code24.contracts.experiment import Experiment
from code24.settings import load

DRAWN = 20
"""Proposals drawn at once, each with its picture; answering one brings up another."""
ANSWERED = 200
"""The newest proposals, among which those that were answered are shown."""
STATUS = {"requested": "Waits", "approved": "Approved", "rejected": "Rejected"}


def render() -> None:
    """Show the page."""
    st.title("Approvals")
    st.caption(
        "Decisions that visitors would see, of sites whose policy asks for your word."
    )
    page.told()
    control = Control(load())
    try:
        waiting, count = control.approvals("requested", DRAWN), control.waiting()
        newest = control.approvals(None, ANSWERED)
    except ControlError as error:
        st.error(wording.plain(str(error)), icon=":material/error:")
        return
    if not waiting:
        st.info("Nothing waits for approval.", icon=":material/check:")
    if count > len(waiting):
        st.caption(f"The newest {len(waiting)} of {wording.count(count)} that wait.")
    for approval in waiting:
        with st.container(border=True):
            _card(control, approval)
    _answered([one for one in newest if one.status != "requested"])


def _card(control: Control, approval: Approval) -> None:
    proposal = approval.proposal
    try:
        test, policy = control.test(proposal.test_id), control.policy(approval.site_id)
    except ControlError as error:
        st.error(wording.plain(str(error)), icon=":material/error:")
        return
    held_out, variant = policy.holdout, proposal.variant
    effect = effects.of_decision(proposal.kind, test, held_out, variant)
    words, picture = st.columns([2, 3], gap="large")
    with words:
        _proposal(approval)
        st.markdown(f"**If you approve:** {effect}")
        actions.answer(approval, effect)
    with picture:
        _picture(proposal, test)


def _proposal(approval: Approval) -> None:
    proposal = approval.proposal
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(wording.PROPOSAL.get(proposal.kind, proposal.kind), color="orange")
        st.page_link(
            page.TEST_PAGE,
            label=f"**{wording.plain(proposal.test_id)}**",
            query_params={"id": proposal.test_id},
        )
    st.caption(
        f"{wording.plain(proposal.site_id)} · asked on "
        f"{wording.moment(approval.requested_at)}"
    )
    st.markdown(wording.plain(proposal.reason))
    if proposal.kind == "ship":
        proof = "The win is proven." if proposal.is_claimed else wording.UNPROVEN
        st.markdown(proof)


def _picture(proposal: Decision, test: Experiment) -> None:
    names = {variant.variant_id: variant.name for variant in test.variants}
    goal = wording.GOAL.get(test.goal_type, test.goal_type).lower()
    chart = charts.effects(frames.proposed(proposal.evidence, names), goal)
    if chart is not None:
        st.altair_chart(chart, alt="Lift of each variant with its 90% interval")
    with st.expander("Evidence it rests on", icon=":material/fact_check:"):
        st.json(msgspec.to_builtins(proposal.evidence), expanded=1)
        st.caption(f"Decision {proposal.decision_id}")


def _answered(answered: list[Approval]) -> None:
    if not answered:
        return
    st.subheader("What was answered")
    st.caption("Times are UTC. A proposal gives way to a newer one about its test.")
    rows = pl.DataFrame([_row(one) for one in answered])
    event = st.dataframe(
        rows.with_columns(page.chip("status")),
        column_config={
            "answered_at": st.column_config.DatetimeColumn(
                "Answered", format="D MMM YYYY, HH:mm"
            ),
            "site_id": "Site",
            "test_id": "Test",
            "decision": "Decision",
            "status": page.chips("Answer"),
            "answered_by": "By",
            "reason": st.column_config.TextColumn("Reason", width="large"),
        },
        hide_index=True,
        key="answered_table",
        on_select="rerun",
        selection_mode="single-cell",
        row_height=36,
        height=page.height(rows, 36),
        placeholder=wording.DASH,
    )
    page.open_clicked(rows, event, "test_id", page.TEST_PAGE)


def _row(approval: Approval) -> dict[str, object]:
    proposal = approval.proposal
    return {
        "answered_at": approval.answered_at,
        "site_id": approval.site_id,
        "test_id": proposal.test_id,
        "decision": wording.PROPOSAL.get(proposal.kind, proposal.kind),
        "status": STATUS[approval.status],
        "answered_by": approval.answered_by,
        "reason": proposal.reason,
    }


render()
