"""``code24 site slots``: how many tests of a site start alone, and what waits."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from cli.output import console, show_fields, show_json, show_table
from code24.contracts.slots import Queue, Waiting
from code24.errors import Code24Error
from code24.settings import load
from code24.state import open_state
from code24.state import slots as state_slots

EXAMPLE = "Example: code24 site slots shop 3   code24 site slots shop --worth 0.0005"
LEARNED = "learned"


def slots(
    site_id: str,
    number: Annotated[
        int | None, typer.Argument(help="Tests at once, 0 to 1000; shown if not given.")
    ] = None,
    worth: Annotated[
        str | None,
        typer.Option(
            help="Of a day of a slot, a lift over the horizon from 0 to 0.01; or "
            f"'{LEARNED}', from the queue, as it is without."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option(help="Tell which drafts would start; set nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show, or set, how many tests run at once; drafts start while one is free."""
    settled = _worth(worth)
    with open_state(load().database_url) as state:
        now = datetime.now(UTC)
        if number is not None and not dry_run:
            state_slots.set_slots(state, site_id, number, actor="cli", now=now)
        if worth is not None and not dry_run:
            state_slots.set_worth(state, site_id, settled, actor="cli", now=now)
        found = state_slots.get_queue(state, site_id, number)
    if as_json:
        show_json(found)
        return
    _show(found)


def _worth(text: str | None) -> float | None:
    if text is None or text == LEARNED:
        return None
    try:
        return float(text)
    except ValueError:
        raise Code24Error(
            f"--worth {text!r}: must be a number or {LEARNED!r}"
        ) from None


def _show(found: Queue) -> None:
    told = f"{found.slots} at once" if found.slots else "none; each is started by hand"
    show_fields(
        {
            "site": found.site_id,
            "tests that start by themselves": told,
            "slots taken": found.taken,
            "worth of a slot": _told_worth(found),
            "starting": ", ".join(found.starting) or "none",
        }
    )
    rows = [_row(waiting) for waiting in found.drafts]
    show_table(
        ("draft", "days", "will ship", "worth a day of a slot"),
        rows,
        empty="no draft waits",
    )
    if any(waiting.plan is None for waiting in found.drafts):
        console.print(
            "What is not planned yet is within a day, or by code24 test plan."
        )


def _told_worth(found: Queue) -> str:
    if found.worth is not None:
        return f"{found.worth:.4%} a day, as set"
    if found.learned_worth is None:
        return "next to nothing: nothing planned waits for a slot"
    return f"{found.learned_worth:.4%} a day, learned from the queue"


def _row(waiting: Waiting) -> tuple[str, str, str, str]:
    if waiting.plan is None:
        return waiting.test_id, "", "", "not planned yet"
    outlook = waiting.plan.outlook
    return (
        waiting.test_id,
        f"{outlook.days:.1f}",
        f"{outlook.chance_to_ship:.0%}",
        f"{outlook.worth_a_day:.4%}",
    )
