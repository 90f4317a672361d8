"""``code24 approval``: decisions that wait for an operator's word."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from cli.output import console, show_json, show_table
from cli.publishing import publish_now
from code24.contracts.approval import ApprovalStatus
from code24.settings import load
from code24.state import approvals, open_state

ACTOR = "operator"

app = typer.Typer(
    help="Decisions that wait for an operator's word (code24 site policy --approve).",
    no_args_is_help=True,
    epilog="Example: code24 approval list   then: code24 approval approve ID",
)

ApprovalId = Annotated[str, typer.Argument(help="Its id: code24 approval list.")]


@app.command(name="list", epilog="Example: code24 approval list --site shop --json")
def list_(
    site: Annotated[str | None, typer.Option(help="Only this site's.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="The answered ones too.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List what waits: which test, what would be done, and why."""
    status: ApprovalStatus | None = None if everything else "requested"
    with open_state(load().database_url) as state:
        found = approvals.list_approvals(state, site, status)
    if as_json:
        show_json(found)
        return
    show_table(
        ("approval", "test", "decision", "status", "asked", "reason"),
        [
            (
                one.approval_id,
                one.proposal.test_id,
                one.proposal.kind,
                one.status,
                f"{one.requested_at:%Y-%m-%d %H:%M}",
                one.proposal.reason,
            )
            for one in found
        ],
        empty="Nothing waits for approval.",
    )


@app.command(name="approve", epilog="Example: code24 approval approve ID")
def approve(approval_id: ApprovalId) -> None:
    """Take the decision, and publish it."""
    settings = load()
    with open_state(settings.database_url) as state:
        decided = approvals.approve(state, approval_id, actor=ACTOR, now=_now())
    console.print(
        f"Approved: {decided.kind} for test {decided.test_id}. {decided.reason}",
        markup=False,
    )
    console.print(publish_now(settings, f"approval {approval_id}"), markup=False)


@app.command(name="reject", epilog="Example: code24 approval reject ID")
def reject(approval_id: ApprovalId) -> None:
    """Refuse the decision; the test goes on, and asks again on new evidence."""
    with open_state(load().database_url) as state:
        found = approvals.reject(state, approval_id, actor=ACTOR, now=_now())
    console.print(f"Rejected: {found.proposal.kind} for {found.subject}.", markup=False)


def _now() -> datetime:
    return datetime.now(UTC)
