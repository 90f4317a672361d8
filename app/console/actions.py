"""What an operator can change from a page; everything goes through the control API.

Each is offered with what visitors will see, and taken by a second click.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from functools import partial

import streamlit as st

from app.console import effects, page, serving, wording
from app.console.control import Answer, Control, ControlError, Step, Subject
from app.console.effects import Standing
from code24.contracts.alarm import Alarm
from code24.contracts.approval import Approval
from code24.contracts.site_policy import MAX_HOLDOUT, SitePolicy
from code24.settings import load

EFFECT: dict[Subject, str] = {
    "siteId": "The site is served no test at all within a second, until it is switched "
    "on again.",
    "testId": "Every visitor gets the control within a second, until the test is "
    "switched on again.",
}
LABELS: dict[Step, tuple[str, str, str]] = {
    "start": ("Start", "Started.", ":material/play_arrow:"),
    "pause": ("Pause", "Paused.", ":material/pause:"),
    "ship": ("Ship", "Shipped.", ":material/rocket_launch:"),
    "stop": ("Stop", "Stopped.", ":material/stop:"),
    "undo": ("Undo", "Undone.", ":material/undo:"),
}
"""What a step is called, what is said once it is taken, its icon."""
ENDS = frozenset({"ship", "stop"})
"""The steps that ask for a reason: the decision log keeps it for good."""


def standing(test_id: str) -> Standing | ControlError:
    """Return a test as it stands now, or why that is not told."""
    control = Control(load())
    try:
        test = control.test(test_id)
        return Standing(test, control.decisions(test_id), control.policy(test.site_id))
    except ControlError as error:
        return error


def say_unknown(error: ControlError) -> None:
    """Say in one line why nothing can be changed."""
    st.error(
        f"Nothing can be changed here: {wording.plain(str(error))}",
        icon=":material/cloud_off:",
    )


def steps(now: Standing) -> None:
    """Offer each step that a test can take now."""
    for step in effects.steps(now):
        label, _, icon = LABELS[step]
        with st.popover(label, icon=icon):
            _step(step, now)


def _step(step: Step, now: Standing) -> None:
    control, test_id = Control(load()), now.test.test_id
    variant = _variant(now) if step == "ship" else None
    st.markdown(effects.of_step(step, now, variant))
    st.text_input("Why", key=f"why-{step}", placeholder="The log keeps it")
    _button(f"{LABELS[step][0]} it", step, _take, step, test_id)
    _from_a_terminal(control.step_command(test_id, step, variant or ""))


def _take(step: Step, test_id: str) -> None:
    """Take a step with the reason and the variant that stand on the page."""
    why = str(st.session_state[f"why-{step}"]).strip()
    if step in ENDS and not why:
        page.tell("Say why: the decision log keeps it.", is_done=False)
        return
    given = {"reason": why} if why else {}
    if step == "ship":
        given["variant"] = st.session_state["variant"]
    control = Control(load())
    _try(lambda: control.step(test_id, step, **given), LABELS[step][1])


def schedule(now: Standing) -> None:
    """Offer to plan when a test starts and ends, where it has not ended."""
    if now.test.status == "complete":
        return
    with st.popover("Schedule", icon=":material/event:"):
        starts = now.test.planned_start_date
        if now.test.status == "draft":
            starts = _planned("Starts by itself", "starts", starts)
        ends = _planned("Ends at the latest", "ends", now.test.planned_end_date)
        st.markdown(effects.of_schedule(now.test, starts, ends))
        control, test_id = Control(load()), now.test.test_id
        act = partial(control.schedule, test_id, starts, ends)
        _button("Plan it", "schedule", _try, act, "Planned.")
        _from_a_terminal(control.schedule_command(test_id, starts, ends))


def _planned(label: str, key: str, before: datetime | None) -> datetime | None:
    """Let a day be planned, midnight UTC; none where it is left empty."""
    known = None if before is None else before.date()
    chosen = st.date_input(label, known, key=key, help="Midnight UTC of that day.")
    if not isinstance(chosen, date):
        return None
    if chosen == known:
        return before
    return datetime.combine(chosen, time(), UTC)


def _variant(now: Standing) -> str | None:
    """Let a variant be chosen; the control is kept by a stop."""
    names = {v.variant_id: v.name for v in now.test.variants[1:]}
    return st.selectbox(
        "Which variant",
        list(names),
        format_func=lambda one: one if names[one] == one else f"{one} · {names[one]}",
        key="variant",
    )


def answer(approval: Approval, effect: str) -> None:
    """Offer to approve or to reject a proposal."""
    with st.container(horizontal=True):
        with st.popover("Approve", icon=":material/check:"):
            st.markdown(effect)
            _answer(approval, "approve", "Approve it", "Approved.")
        with st.popover("Reject", icon=":material/close:"):
            st.markdown(
                "Visitors see what they see now. The test goes on, and asks again on "
                "new evidence."
            )
            _answer(approval, "reject", "Reject it", "Rejected; the test goes on.")


def _answer(approval: Approval, given: Answer, label: str, done: str) -> None:
    control, approval_id = Control(load()), approval.approval_id
    act = partial(control.answer, approval_id, given)
    _button(label, f"{given}-{approval_id}", _try, act, done)
    _from_a_terminal(control.answer_command(approval_id, given))


def policy(before: SitePolicy) -> None:
    """Offer to change how far the platform goes by itself on a site."""
    with st.popover("Change the policy", icon=":material/tune:"):
        st.toggle(
            "Decisions wait for approval", before.is_approval_needed, key="approval"
        )
        st.toggle(
            "Its finished tests inform other sites", before.is_shared, key="shared"
        )
        st.number_input(
            "Held out of everything, % of visitors",
            0.0,
            100 * MAX_HOLDOUT,
            round(100 * before.holdout, 4),
            step=1.0,
            format="%.2f",
            key="holdout",
        )
        after = _chosen(before.site_id)
        st.markdown(effects.of_policy(before, after))
        _button("Save", "policy", _settle, before.site_id, disabled=after == before)
        _from_a_terminal(Control(load()).policy_command(after))


def _chosen(site_id: str) -> SitePolicy:
    """Return the policy that stands on the page."""
    return SitePolicy(
        site_id=site_id,
        is_approval_needed=st.session_state["approval"],
        is_shared=st.session_state["shared"],
        holdout=round(st.session_state["holdout"] / 100, 6),
    )


def _settle(site_id: str) -> None:
    control, after = Control(load()), _chosen(site_id)
    _try(lambda: control.set_policy(after), "Settled.")


def switch(subject: Subject, subject_id: str) -> None:
    """Offer the kill switch of a site or of a test, as it stands now."""
    control, is_off = Control(load()), _is_off(subject, subject_id)
    word = "on again" if is_off else "off"
    with st.popover(f"Switch {word}", icon=":material/power_settings_new:"):
        st.markdown("It is served as before." if is_off else EFFECT[subject])
        act = partial(control.switch, subject, subject_id, is_off=not is_off)
        _button(f"Switch it {word}", "switch", _try, act, f"Switched {word}.")
        _from_a_terminal(control.switch_command(subject, subject_id, is_off=not is_off))


def say_switched_off(subject: Subject, subject_id: str) -> None:
    """Say where a site or a test was switched off, and by what."""
    if not _is_off(subject, subject_id):
        return
    alarms = [] if subject == "siteId" else _alarms(subject_id)
    if alarms:
        st.warning(effects.of_alarm(alarms[0]), icon=":material/emergency_home:")
    else:
        st.warning(f"Switched off by hand. {EFFECT[subject]}", icon=":material/block:")


def _alarms(test_id: str) -> list[Alarm]:
    try:
        return Control(load()).open_alarms(test_id)
    except ControlError:
        return []  # what can be changed, and that it cannot, is said beside it


def _is_off(subject: Subject, subject_id: str) -> bool:
    switches = serving.served(load()).switches
    off = switches.sites_off if subject == "siteId" else switches.tests_off
    return subject_id in off


def retry(job_id: str) -> None:
    """Offer to queue a dead job again."""
    control = Control(load())
    st.button(
        "Try it again",
        key=f"retry-{job_id}",
        icon=":material/replay:",
        on_click=_try,
        args=(partial(control.retry, job_id), "Queued again."),
    )
    st.caption(f"The same from a terminal: `{control.retry_command(job_id)}`")


def _button(
    label: str,
    key: str,
    act: Callable[..., None],
    *given: object,
    disabled: bool = False,
) -> None:
    """Offer the click that takes a step.

    It is taken before the page is made anew, and so as it was offered: where things
    have changed meanwhile the control API refuses it, rather than the click be lost.
    """
    st.button(
        label, key=key, type="primary", on_click=act, args=given, disabled=disabled
    )


def _try(act: Callable[[], None], done: str) -> None:
    try:
        act()
    except ControlError as error:
        page.tell(str(error), is_done=False)
    else:
        page.tell(done, is_done=True)


def _from_a_terminal(command: str) -> None:
    st.caption("The same from a terminal:")
    st.code(command, language="bash", wrap_lines=True)
