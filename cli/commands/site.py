"""``code24 site``: the websites and their goals."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast, get_args

import msgspec
import typer

from cli.commands import site_policy, site_slots
from cli.commands.tag import show_tag
from cli.output import console, show_fields, show_json, show_table
from code24.contracts.site import Site
from code24.contracts.wire import GoalType
from code24.errors import Code24Error
from code24.settings import load
from code24.state import open_state, sites

if TYPE_CHECKING:
    from cli.importers.site_list import SiteLine

app = typer.Typer(
    help="The websites and their goals.",
    no_args_is_help=True,
    epilog="Example: code24 site add shop --host shop.example --goal sales",
)

app.command(name="policy", epilog=site_policy.EXAMPLE)(site_policy.policy)
app.command(name="slots", epilog=site_slots.EXAMPLE)(site_slots.slots)

Origins = Annotated[
    list[str] | None,
    typer.Option(
        "--origin",
        help="A page's origin (https://shop.example) that may use the keys; any may "
        "where none is listed.",
    ),
]
LISTED = ("siteId", "host", "vertical", "goals", "writeKey", "clientKey")
OUTCOMES = {"new": "new", "there": "there already"}
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command(
    name="add",
    epilog="Example: code24 site add shop --host shop.example --vertical fashion "
    "--goal sales --goal leads",
)
def add(
    site_id: Annotated[str, typer.Argument(help="Short name: a-z, 0-9, - and _.")],
    host: Annotated[str, typer.Option(help="The hostname its pages are served from.")],
    goal: Annotated[
        list[str], typer.Option(help="sales, leads, signups, bookings or traffic.")
    ],
    vertical: Annotated[str, typer.Option(help="Its line of business.")] = "general",
    origin: Origins = None,
    as_json: AsJson = False,
) -> None:
    """Add a site; its keys are made here. Adding it again changes nothing."""
    with open_state(load().database_url) as state:
        site = sites.add_site(
            state, site_id, host, vertical, _goals(goal), actor="cli", now=_now()
        )
        if origin:
            _refuse_other_origins(site, origin)
            site = sites.set_access(
                state, site_id, origins=origin, actor="cli", now=_now()
            )
    _show(site, as_json=as_json)


@app.command(
    name="set",
    epilog="Example: code24 site set shop --origin https://shop.example "
    "--events-per-second 2000",
)
def set_(
    site_id: str,
    origin: Origins = None,
    any_origin: Annotated[
        bool, typer.Option("--any-origin", help="Let any page use the keys.")
    ] = False,
    events_per_second: Annotated[
        int | None,
        typer.Option(
            help="Events the collector takes on average; ten seconds' at once."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Set which pages may use a site's keys and how much it may send."""
    if origin and any_origin:
        raise Code24Error("--origin and --any-origin exclude each other")
    if not origin and not any_origin and events_per_second is None:
        raise Code24Error("nothing to set: give --origin or --events-per-second")
    with open_state(load().database_url) as state:
        site = sites.set_access(
            state,
            site_id,
            origins=[] if any_origin else origin,
            events_per_second=events_per_second,
            actor="cli",
            now=_now(),
        )
    _show(site, as_json=as_json)


@app.command(name="list", epilog="Example: code24 site list --json")
def list_(as_json: AsJson = False) -> None:
    """List the sites with their goals and public keys."""
    with open_state(load().database_url) as state:
        found = sites.list_sites(state)
    if as_json:
        show_json([_listed(site) for site in found])
        return
    show_table(
        ("site", "host", "vertical", "goals", "write key", "client key"),
        [
            (s.site_id, s.host, s.vertical, s.goals, s.write_key, s.client_key)
            for s in found
        ],
        empty="No sites yet. Add one: code24 site add --help",
    )


@app.command(name="show", epilog="Example: code24 site show upworthy")
def show(site_id: str, as_json: AsJson = False) -> None:
    """Show one site."""
    with open_state(load().database_url) as state:
        site = sites.get_site(state, site_id)
    _show(site, as_json=as_json)
    if not as_json:
        show_tag(site)


@app.command(name="import", epilog="Example: code24 site import sites.csv --dry-run")
def import_(
    path: Annotated[
        Path,
        typer.Argument(
            help="CSV with the columns site_id,host,vertical,goals, or JSON lines."
        ),
    ],
    dry_run: Annotated[bool, typer.Option(help="Check the file, add nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Add every site of a file, or none if a line is wrong; goals have spaces between.

    A site that is there already and is the same stays as it is.
    """
    from cli.importers import site_list  # noqa: PLC0415 - only this command needs it

    with open_state(load().database_url) as state:
        lines = site_list.read(path, sites.list_sites(state))
        refused = [line for line in lines if line.outcome == "refused"]
        if not refused and not dry_run:
            for line in lines:
                goals = _goals(list(line.goals))
                of_site = (line.site_id, line.host, line.vertical, goals)
                sites.add_site(state, *of_site, actor="cli", now=_now())
    if as_json:
        show_json(lines)
    else:
        _show_lines(path, lines, dry_run=dry_run)
    if refused:
        first = refused[0]
        others = f", and {len(refused) - 1} more" if len(refused) > 1 else ""
        place = path.parent / first.line
        raise Code24Error(f"{place}: {first.reason}{others}; no site was added")


def _show_lines(path: Path, lines: "Sequence[SiteLine]", *, dry_run: bool) -> None:
    show_table(
        ("line", "site", "host", "outcome"),
        [
            (one.line, one.site_id, one.host, one.reason or OUTCOMES[one.outcome])
            for one in lines
        ],
        empty="No lines.",
    )
    if all(one.outcome != "refused" for one in lines):
        verb = "would be there" if dry_run else "are there now"
        console.print(f"{len(lines)} sites of {path} {verb}.")


def _listed(site: Site) -> dict[str, object]:
    """Return what ``site list --json`` promises to others, and no more."""
    fields = msgspec.to_builtins(site)
    return {name: fields[name] for name in LISTED}


def _refuse_other_origins(site: Site, wanted: list[str]) -> None:
    if site.origins and site.origins != tuple(wanted):
        raise Code24Error(
            f"site {site.site_id!r} is there with origins {', '.join(site.origins)}: "
            f"code24 site set {site.site_id} --origin"
        )


def _show(site: Site, *, as_json: bool) -> None:
    if as_json:
        show_json(site)
        return
    show_fields(
        {
            "site": site.site_id,
            "host": site.host,
            "vertical": site.vertical,
            "goals": site.goals,
            "write key": site.write_key,
            "client key": site.client_key,
            "origins": site.origins or "any",
            "events per second": site.events_per_second,
        }
    )


def _goals(names: list[str]) -> tuple[GoalType, ...]:
    known = get_args(GoalType)
    for name in names:
        if name not in known:
            raise Code24Error(f"goal {name!r}: must be one of {', '.join(known)}")
    return tuple(cast("GoalType", name) for name in names)


def _now() -> datetime:
    return datetime.now(UTC)
