"""What an operator does to jobs by hand: cancel, and try again."""

from datetime import datetime

from code24.state import job_rows
from code24.state.errors import StateError
from code24.state.job_asking import end
from code24.state.job_rows import RELEASED, UNFINISHED, By, Job
from code24.state.store import State


def cancel(state: State, job_id: str, *, actor: str, now: datetime) -> Job:
    """End a job that is not finished; what was asked for meanwhile ends with it.

    A run that works on it goes on to its end, as it may work on others too; its
    outcome is not noted on this job.

    Raises:
        StateError: it has ended already.
        NotKnownError: there is no such job.
    """
    with state.write() as connection:
        job = job_rows.require(connection, job_id)
        if job.status not in UNFINISHED:
            raise StateError(f"job {job_id!r} is {job.status}: it has ended already")
        by = By(actor, now)
        (ended,) = end(connection, [job], "job.cancel", "cancelled", by, again=None)
    return ended


def retry(state: State, job_id: str, *, actor: str, now: datetime) -> Job:
    """Queue a failed or cancelled job again, due now, its attempts forgotten.

    Raises:
        StateError: it is neither, or another of its site and kind is unfinished.
        NotKnownError: there is no such job.
    """
    with state.write() as connection:
        job = job_rows.require(connection, job_id)
        if job.status not in {"failed", "cancelled"}:
            raise StateError(
                f"job {job_id!r} is {job.status}: only a failed or cancelled job can "
                "be tried again"
            )
        kind = (job.site_id, job.worker_type, job.job_type)
        other = job_rows.unfinished(connection, *kind)
        if other is not None:
            raise StateError(
                f"job {job_id!r}: job {other.id!r} of the same site and kind is "
                f"{other.status}, and does the same work"
            )
        afresh = {"completed_at": None, "attempts": 0, "losses": 0, "again": None}
        values = {"status": "queued", "scheduled_at": now, **afresh, **RELEASED}
        by = By(actor, now)
        (queued,) = job_rows.change(connection, [job], "job.retry", by, **values)
    return queued
