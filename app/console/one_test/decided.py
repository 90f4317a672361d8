"""What was decided about a test, and why."""

import json
from typing import Any

import streamlit as st

from app.console import wording


def newest(test: dict[str, Any], decisions: list[dict[str, Any]]) -> None:
    """Show the newest decision with its reason and evidence."""
    st.subheader("What was decided, and why")
    if not decisions:
        is_one = test["verifies"] is not None
        st.info("It is watched, never decided about." if is_one else "No decision yet.")
        return
    last = decisions[0]
    kind = wording.DECISION.get(last["kind"], last["kind"])
    st.markdown(
        f"**{kind}** on {wording.moment(last['decided_at'])}. "
        f"{wording.plain(last['reason'])}"
    )
    _proof(last)


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


def earlier(decisions: list[dict[str, Any]]) -> None:
    """Show the decisions before the newest."""
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
