"""``code24 group``: the lists that conditions of tests refer to."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cli.output import console, show_json, show_table
from cli.publishing import publish_now
from code24.contracts.saved_group import SavedGroup
from code24.errors import Code24Error
from code24.settings import load
from code24.state import open_state, saved_groups

ACTOR = "operator"

app = typer.Typer(
    help="Saved groups: lists of countries, companies, plans that conditions name.",
    no_args_is_help=True,
    epilog="Example: code24 group set shop eu --attribute country --value DE "
    "--value AT",
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
SiteId = Annotated[str, typer.Argument(metavar="SITE", help="The site.")]
GroupId = Annotated[str, typer.Argument(metavar="GROUP", help="The group's name.")]


@app.command(name="list", epilog="Example: code24 group list shop --json")
def list_(site: SiteId, as_json: AsJson = False) -> None:
    """List a site's groups."""
    with open_state(load().database_url) as state:
        found = saved_groups.list_groups(state, site)
    if as_json:
        show_json(found)
        return
    show_table(
        ("group", "attribute", "values"),
        [(group.group_id, group.attribute, len(group.values)) for group in found],
        empty="No groups. Make one: code24 group set --help",
    )


@app.command(
    name="set",
    epilog="Example: code24 group set shop eu --attribute country --value DE "
    "--value AT",
)
def set_(
    site: SiteId,
    group: GroupId,
    attribute: Annotated[str, typer.Option(help="What the values are of.")],
    value: Annotated[
        list[str] | None, typer.Option(help="A value; once for each.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="A file with a value in each line, besides.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a group, or put it in place of what it was; clients follow at once."""
    values = (*(value or ()), *_lines(file))
    wanted = _group(group, attribute, values)
    settings = load()
    with open_state(settings.database_url) as state:
        now = datetime.now(UTC)
        made = saved_groups.put_group(state, site, wanted, actor=ACTOR, now=now)
    told = publish_now(settings, f"group {group} of site {site}")
    if as_json:
        show_json(made)
        return
    console.print(f"Group {group} of {site} has {len(made.values)} values.")
    console.print(told, markup=False)


@app.command(name="remove", epilog="Example: code24 group remove shop eu")
def remove(site: SiteId, group: GroupId) -> None:
    """Remove a group to which no test refers."""
    with open_state(load().database_url) as state:
        now = datetime.now(UTC)
        saved_groups.remove_group(state, site, group, actor=ACTOR, now=now)
    console.print(f"Group {group} of {site} is removed.")


def _group(name: str, attribute: str, values: tuple[str, ...]) -> SavedGroup:
    try:
        return SavedGroup(group_id=name, attribute=attribute, values=values)
    except ValueError as error:
        raise Code24Error(str(error)) from None


def _lines(file: Path | None) -> list[str]:
    if file is None:
        return []
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Code24Error(f"{file}: cannot be read: {error}") from error
    return [line.strip() for line in lines if line.strip()]
