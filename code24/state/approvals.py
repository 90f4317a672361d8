"""Decisions that wait for an operator's word, where a site's policy asks for one."""

from datetime import datetime

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from code24.contracts.approval import Approval, ApprovalStatus
from code24.contracts.decision import Decision
from code24.state import audit, decisions
from code24.state.checked import checked
from code24.state.errors import NotKnownError, StateError
from code24.state.store import State
from code24.state.tables import approvals


def propose(state: State, decision: Decision, *, actor: str) -> bool:
    """Ask for a decision to be approved; return whether it was not known yet.

    An unanswered proposal about the same test gives way to it, as the evidence has
    gone on. One that was answered is not asked again.
    """
    wanted = checked(decision)
    with state.write() as connection:
        if _find(connection, wanted.decision_id) is not None:
            return False
        _withdraw(connection, wanted, actor=actor)
        _insert(connection, wanted, actor=actor)
    return True


def list_approvals(
    state: State,
    site_id: str | None = None,
    status: ApprovalStatus | None = None,
    *,
    limit: int = 1_000,
) -> list[Approval]:
    """Return the newest proposals, the newest first; of one site or status if asked."""
    query = sa.select(approvals).order_by(approvals.c.requested_at.desc()).limit(limit)
    if site_id is not None:
        query = query.where(approvals.c.site_id == site_id)
    if status is not None:
        query = query.where(approvals.c.status == status)
    with state.read() as connection:
        return [_approval(row) for row in connection.execute(query).mappings()]


def count_waiting(state: State) -> int:
    """Return how many proposals wait for an answer."""
    is_waiting = approvals.c.status == "requested"
    query = sa.select(sa.func.count()).select_from(approvals).where(is_waiting)
    with state.read() as connection:
        return connection.execute(query).scalar_one()


def approve(state: State, approval_id: str, *, actor: str, now: datetime) -> Decision:
    """Take the proposed decision now, in the same transaction.

    Raises:
        StateError: it was answered before, or no longer fits its test.
        NotKnownError: there is no such proposal.
    """
    with state.write() as connection:
        found = _waiting(connection, approval_id)
        decided = msgspec.structs.replace(found.proposal, decided_at=now)
        decisions.record_and_publish(connection, decided, actor=actor)
        _answer(connection, found, "approved", actor=actor, now=now)
    return decided


def reject(state: State, approval_id: str, *, actor: str, now: datetime) -> Approval:
    """Refuse a proposal; the test goes on, and asks again on new evidence.

    Raises:
        StateError: it was answered before.
        NotKnownError: there is no such proposal.
    """
    with state.write() as connection:
        found = _waiting(connection, approval_id)
        return _answer(connection, found, "rejected", actor=actor, now=now)


def _insert(connection: Connection, wanted: Decision, *, actor: str) -> None:
    made = Approval(
        approval_id=wanted.decision_id,
        site_id=wanted.site_id,
        subject=f"test:{wanted.test_id}",
        proposal=wanted,
        status="requested",
        requested_by=actor,
        requested_at=wanted.decided_at,
        answered_by=None,
        answered_at=None,
    )
    connection.execute(sa.insert(approvals).values(msgspec.structs.asdict(made)))
    _audit(connection, "approval.request", made, actor=actor, now=wanted.decided_at)


def _withdraw(connection: Connection, newer: Decision, *, actor: str) -> None:
    query = sa.select(approvals).where(
        approvals.c.subject == f"test:{newer.test_id}",
        approvals.c.status == "requested",
    )
    for row in connection.execute(query).mappings().all():
        now = newer.decided_at
        _answer(connection, _approval(row), "rejected", actor=actor, now=now)


def _answer(
    connection: Connection,
    found: Approval,
    status: ApprovalStatus,
    *,
    actor: str,
    now: datetime,
) -> Approval:
    values = {"status": status, "answered_by": actor, "answered_at": now}
    is_it = approvals.c.approval_id == found.approval_id
    connection.execute(sa.update(approvals).where(is_it).values(values))
    answered = msgspec.structs.replace(found, **values)
    _audit(connection, f"approval.{status}", answered, actor=actor, now=now)
    return answered


def _waiting(connection: Connection, approval_id: str) -> Approval:
    found = _find(connection, approval_id)
    if found is None:
        raise NotKnownError(f"proposal {approval_id!r} is not known")
    if found.status != "requested":
        raise StateError(
            f"proposal {approval_id!r} was {found.status} by {found.answered_by}"
        )
    return found


def _find(connection: Connection, approval_id: str) -> Approval | None:
    query = sa.select(approvals).where(approvals.c.approval_id == approval_id)
    row = connection.execute(query).mappings().first()
    return None if row is None else _approval(row)


def _approval(row: RowMapping) -> Approval:
    return Approval(**{**row, "proposal": msgspec.convert(row["proposal"], Decision)})


def _audit(
    connection: Connection,
    action: str,
    approval: Approval,
    *,
    actor: str,
    now: datetime,
) -> None:
    audit.append(
        connection,
        action,
        approval.subject,
        actor=actor,
        now=now,
        after={"approvalId": approval.approval_id, "kind": approval.proposal.kind},
    )
