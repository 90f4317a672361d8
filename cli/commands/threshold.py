"""``code24 threshold``: when the live counters of a site ask for work."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from cli.output import console, show_json, show_table
from code24.contracts.threshold import DEFINITIONS, Threshold
from code24.settings import load
from code24.state import open_state, thresholds

app = typer.Typer(
    help="When the live counters of a site ask for work: values and windows.",
    no_args_is_help=True,
    epilog="Example: code24 threshold set shop conversions_since_analysis 50",
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
SiteId = Annotated[str, typer.Argument(metavar="SITE", help="The site.")]


@app.command(name="list", epilog="Example: code24 threshold list --site shop --json")
def list_(
    site: Annotated[str | None, typer.Option(help="Only this site's.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the thresholds as they hold, and what each means."""
    with open_state(load().database_url) as state:
        found = thresholds.list_thresholds(state, site)
    _show(found, as_json=as_json)


@app.command(
    name="set",
    epilog="Example: code24 threshold set shop error_burst 20 --window 600",
)
def set_(
    site: SiteId,
    name: Annotated[str, typer.Argument(help=", ".join(DEFINITIONS))],
    value: Annotated[float, typer.Argument(help="The value that is not to be passed.")],
    window: Annotated[
        int | None, typer.Option(help="Seconds counted over; as it is where absent.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Set one threshold of a site; the collector follows within a second or two."""
    with open_state(load().database_url) as state:
        changed = thresholds.set_threshold(
            state, site, name, value, window, actor="cli", now=datetime.now(UTC)
        )
    _show([changed], as_json=as_json)


@app.command(name="reset", epilog="Example: code24 threshold reset shop error_burst")
def reset(
    site: SiteId,
    name: Annotated[
        list[str] | None, typer.Argument(help="Which; all of them where absent.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Put thresholds of a site back to their defaults."""
    with open_state(load().database_url) as state:
        changed = thresholds.reset_thresholds(
            state,
            site,
            name or thresholds.NAMES,
            actor="cli",
            now=datetime.now(UTC),
        )
    if as_json:
        show_json(changed)
        return
    console.print(f"{len(changed)} thresholds of {site} are at their default again.")


def _show(found: list[Threshold], *, as_json: bool) -> None:
    if as_json:
        show_json(found)
        return
    show_table(
        ("site", "threshold", "value", "window", "", "meaning"),
        [
            (
                each.site_id,
                each.name,
                each.value,
                f"{each.window_seconds} s" if each.window_seconds else "none",
                "default" if each.is_default else "set",
                DEFINITIONS[each.name].meaning,
            )
            for each in found
        ],
        empty="No sites yet. Add one: code24 site add --help",
    )
