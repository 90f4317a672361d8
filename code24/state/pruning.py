"""Removing what settled long ago: messages, request keys, jobs, lost workers.

Decisions and the audit log are append-only and stay. Removal goes in batches, each a
transaction of its own, so that writers wait for a fraction of a second at most; killed
between two, the next purge goes on.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa

from code24.state import audit
from code24.state.store import State
from code24.state.tables import forecasts, job_requests, messages, workers
from code24.state.tables import optimization_jobs as jobs

KEPT_DAYS = 30
"""How long settled messages, request keys, and complete or cancelled jobs are kept.
A request whose key has gone is a new one. Range 1 to 365."""
DEAD_KEPT_DAYS = 180
"""How long dead jobs are kept with their error, for an operator to look into or try
again. Range ``KEPT_DAYS`` to 3,650."""
BATCH = 1_000
"""Rows removed in one transaction: some hundredths of a second. Range 1 to 10,000."""


class _Old(NamedTuple):
    """Rows of one table that go: their key, and what is so of them."""

    name: str
    table: sa.Table
    is_old: sa.ColumnElement[bool]


def prune(
    state: State, *, actor: str, now: datetime, batch: int = BATCH
) -> Mapping[str, int]:
    """Remove what is kept no longer; audit how much, where it was anything.

    Args:
        state: The shared state.
        actor: Who asks.
        now: When.
        batch: Rows in one transaction.

    Returns:
        rows removed, by kind.
    """
    counts = {old.name: _remove(state, old, batch) for old in _all_old(now)}
    if any(counts.values()):
        subject = "state:settled"
        audit.note(state, "state.prune", subject, actor=actor, now=now, after=counts)
    return counts


def _all_old(now: datetime) -> tuple[_Old, ...]:
    """Return what goes, keys before the jobs that they name."""
    before = now - timedelta(days=KEPT_DAYS)
    long_before = now - timedelta(days=DEAD_KEPT_DAYS)
    is_ended = jobs.c.status.in_(("complete", "cancelled"))
    is_unfinished = jobs.c.status.in_(("queued", "running"))
    unfinished = sa.select(jobs.c.id).where(is_unfinished)
    named = sa.select(job_requests.c.job_id)
    return (
        _Old("messages", messages, messages.c.settled_at < before),
        _Old("forecasts", forecasts, forecasts.c.asked_at < before),
        _Old(
            "request_keys",
            job_requests,
            (job_requests.c.requested_at < before)
            & job_requests.c.job_id.not_in(unfinished),
        ),
        _Old(
            "jobs",
            jobs,
            is_ended & (jobs.c.completed_at < before) & jobs.c.id.not_in(named),
        ),
        _Old(
            "dead_jobs",
            jobs,
            (jobs.c.status == "failed")
            & (jobs.c.completed_at < long_before)
            & jobs.c.id.not_in(named),
        ),
        _Old("workers", workers, workers.c.seen_at < before),
    )


def _remove(state: State, old: _Old, batch: int) -> int:
    removed = 0
    while count := _remove_some(state, old, batch):
        removed += count
    return removed


def _remove_some(state: State, old: _Old, batch: int) -> int:
    """Remove a batch; return how many there were."""
    key = sa.tuple_(*old.table.primary_key.columns)
    some = sa.select(*old.table.primary_key.columns).where(old.is_old).limit(batch)
    query = sa.delete(old.table).where(key.in_(some))
    with state.write() as connection:
        return connection.execute(query).rowcount
