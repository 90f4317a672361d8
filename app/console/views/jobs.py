"""The queue: what waits, what runs under which lease, what is dead and why."""

from datetime import datetime
from typing import Any

import streamlit as st

from app.console import actions, page, wording
from app.console.control import Control, ControlError
from code24.settings import HOST, load

STATUS = {
    "queued": "Queued",
    "running": "Running",
    "failed": "Dead",
    "complete": "Done",
    "cancelled": "Cancelled",
}
UNFINISHED = ("queued", "running")


def render() -> None:
    """Show the page; it looks again every five seconds."""
    st.title("Jobs")
    st.caption("What was asked for, by thresholds, tests that ended, the clock or you.")
    st.fragment(run_every=5)(_queue)()


def _queue() -> None:
    page.told()
    try:
        told = Control(load()).jobs()
    except ControlError as error:
        st.error(wording.plain(str(error)), icon=":material/error:")
        return
    _counts(told["counts"], told["workers"])
    dead = [job for job in told["jobs"] if job["status"] == "failed"]
    if dead:
        st.subheader("Dead")
        for job in dead:
            _dead(job)
    st.subheader("All")
    _table(told["jobs"])


def _counts(counts: dict[str, int], workers: list[dict[str, Any]]) -> None:
    *columns, last = st.columns(len(STATUS) + 1)
    for column, (status, word) in zip(columns, STATUS.items(), strict=True):
        column.metric(word, wording.count(counts.get(status, 0)))
    last.metric(
        "Workers",
        wording.count(len(workers)),
        help="Processes that work off jobs, and were seen lately.",
    )
    if not workers and any(counts.get(status) for status in UNFINISHED):
        st.warning("No worker runs: start it with `make up`. Dagster takes over late.")


def _dead(job: dict[str, Any]) -> None:
    with st.container(border=True):
        st.markdown(
            f"**{wording.plain(job['jobType'])}** of {wording.plain(job['siteId'])}, "
            f"tried {job['attempts']} times: {wording.plain(job['errorMessage'] or '')}"
        )
        if job["runId"]:
            st.link_button("Its last run in Dagster", _run(job["runId"]))
        actions.retry(job["id"])


def _table(jobs: list[dict[str, Any]]) -> None:
    if not jobs:
        st.info("No job yet. A threshold that is crossed asks for the first.")
        return
    st.dataframe(
        [
            {
                "Job": job["id"],
                "Site": job["siteId"],
                "Kind": job["jobType"],
                "Status": [STATUS[job["status"]]],
                "Priority": job["priority"],
                "Due": _moment(job["scheduledAt"]),
                "Held by": job["leaseOwner"],
                "Held until": _moment(job["leaseUntil"]),
                "Tries": job["attempts"],
                "Run": _run(job["runId"]) if job["runId"] else None,
                "Error": job["errorMessage"],
            }
            for job in jobs
        ],
        column_config={
            "Status": page.chips("Status"),
            "Due": st.column_config.DatetimeColumn(
                "Due", format="D MMM YYYY, HH:mm:ss"
            ),
            "Held until": st.column_config.DatetimeColumn(format="HH:mm:ss"),
            "Run": st.column_config.LinkColumn("Run", display_text="Open in Dagster"),
        },
        hide_index=True,
        placeholder=wording.DASH,
    )


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _run(run_id: str) -> str:
    return f"http://{HOST}:{load().ports.dagster}/runs/{run_id}"


render()
