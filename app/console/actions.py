"""What an operator can change from a page; everything goes through the control API."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from app.console import serving, wording
from app.console.control import Control, ControlError, Subject
from code24.settings import load

EFFECT: dict[Subject, str] = {
    "siteId": "The site is served no test at all within a second, until it is switched "
    "on again.",
    "testId": "Every visitor gets the control within a second, until the test is "
    "switched on again.",
}


def undo(decision: dict[str, Any]) -> None:
    """Offer to take a decision back."""
    control, decision_id = Control(load()), decision["decision_id"]
    with st.popover("Undo this decision", icon=":material/undo:"):
        st.markdown(
            "The test goes back to the state it had before; visitors see the change "
            "within seconds. The log keeps both decisions."
        )
        if st.button("Undo it", type="primary", key="undo"):
            _try(
                lambda: control.undo(decision_id),
                "Undone, and published.",
            )
        _from_a_terminal(control.undo_command(decision_id))


def switch(subject: Subject, subject_id: str) -> None:
    """Offer the kill switch of a site or of a test, as it stands now."""
    switches = serving.served(load()).switches
    off = switches.sites_off if subject == "siteId" else switches.tests_off
    is_off = subject_id in off
    control = Control(load())
    word = "on again" if is_off else "off"
    if is_off:
        st.warning(f"Switched off by hand. {EFFECT[subject]}", icon=":material/block:")
    with st.popover(f"Switch {word}", icon=":material/power_settings_new:"):
        st.markdown("It is served as before." if is_off else EFFECT[subject])
        if st.button(f"Switch it {word}", type="primary", key="switch"):
            _try(
                lambda: control.switch(subject, subject_id, is_off=not is_off),
                f"Switched {word}.",
            )
        _from_a_terminal(control.switch_command(subject, subject_id, is_off=not is_off))


def retry(job_id: str) -> None:
    """Offer to queue a dead job again."""
    control = Control(load())
    if st.button("Try it again", key=f"retry-{job_id}", icon=":material/replay:"):
        _try(lambda: control.retry(job_id), "Queued again.")
    st.caption(f"The same from a terminal: `{control.retry_command(job_id)}`")


def _try(act: Callable[[], None], done: str) -> None:
    try:
        act()
    except ControlError as error:
        st.error(wording.plain(str(error)))
    else:
        st.success(done)


def _from_a_terminal(command: str) -> None:
    st.caption("The same from a terminal:")
    st.code(command, language="bash", wrap_lines=True)
