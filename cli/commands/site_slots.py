"""``code24 site slots``: how many tests of a site start by themselves."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from cli.output import console, show_json
from code24.settings import load
from code24.state import open_state
from code24.state import slots as queue

EXAMPLE = "Example: code24 site slots shop 3"


def slots(
    site_id: str,
    number: Annotated[
        int | None, typer.Argument(help="Tests at once, 0 to 1000; shown if not given.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show, or set, how many tests run at once; drafts start while one is free."""
    with open_state(load().database_url) as state:
        if number is not None:
            now = datetime.now(UTC)
            queue.set_slots(state, site_id, number, actor="cli", now=now)
        found = queue.get_slots(state, site_id)
    if as_json:
        show_json({"siteId": site_id, "slots": found})
        return
    told = f"{found} at once" if found else "none; each is started by hand"
    console.print(f"Tests of {site_id} that start by themselves: {told}.")
