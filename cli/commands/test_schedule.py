"""``code24 test schedule``: when a test starts and ends by itself."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from cli.output import console, show_json
from code24.contracts.experiment import Experiment
from code24.errors import Code24Error
from code24.settings import load
from code24.state import experiments, open_state, schedule

ACTOR = "operator"
NEVER = "none"


def plan_dates(
    test_id: Annotated[str, typer.Argument(help="The test's id: code24 test list.")],
    start: Annotated[
        str | None,
        typer.Option(help="When a draft starts: 2026-12-01T08:00 (UTC), or none."),
    ] = None,
    end: Annotated[
        str | None,
        typer.Option(help="When it is decided for good and ends, or none."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Plan when a test starts and ends; what is not given stays as it was planned."""
    with open_state(load().database_url) as state:
        test = experiments.get_test(state, test_id)
        if start is not None or end is not None:
            test = schedule.set_schedule(
                state,
                test_id,
                starts=_moment("--start", start, test.planned_start_date),
                ends=_moment("--end", end, test.planned_end_date),
                actor=ACTOR,
                now=datetime.now(UTC),
            )
    if as_json:
        show_json(test)
        return
    console.print(told(test), markup=False)


def told(test: Experiment) -> str:
    """Return in one line when a test starts and ends."""
    starts = "by hand" if test.start_date is None else f"{_short(test.start_date)}"
    if test.start_date is None and test.planned_start_date is not None:
        starts = _short(test.planned_start_date)
    ends = "when it is decided"
    if test.planned_end_date is not None:
        ends = f"{_short(test.planned_end_date)} at the latest"
    return f"Test {test.test_id}: starts {starts}, ends {ends}."


def _short(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _moment(option: str, text: str | None, before: datetime | None) -> datetime | None:
    if text is None:
        return before
    if text == NEVER:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Code24Error(
            f"{option} {text!r}: must be a date such as 2026-12-01T08:00, or {NEVER}"
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
