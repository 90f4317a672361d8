"""``code24 site policy``: how far the platform goes by itself on a site."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from cli.output import console, show_fields, show_json
from cli.publishing import publish_now
from code24.contracts.site_policy import SitePolicy
from code24.settings import load
from code24.state import open_state, site_policies

EXAMPLE = "Example: code24 site policy shop --approve --holdout 0.05"


def policy(
    site_id: str,
    approve: Annotated[
        bool | None,
        typer.Option(
            "--approve/--automatic",
            help="Whether shipping, stopping and shifting wait for code24 approval.",
        ),
    ] = None,
    share: Annotated[
        bool | None,
        typer.Option(
            "--share/--keep-apart",
            help="Whether its finished tests inform other sites' priors.",
        ),
    ] = None,
    holdout: Annotated[
        float | None,
        typer.Option(help="Share of visitors never shown a shipped variant, 0 to 0.5."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show a site's policy, or change what is given and show it."""
    given = {"is_approval_needed": approve, "is_shared": share, "holdout": holdout}
    changes = {name: value for name, value in given.items() if value is not None}
    settings = load()
    with open_state(settings.database_url) as state:
        if changes:
            site_policies.set_policy(
                state, site_id, actor="cli", now=datetime.now(UTC), **changes
            )
        found = site_policies.get_policy(state, site_id)
    published = publish_now(settings, f"policy of site {site_id}") if changes else None
    if as_json:
        show_json(found)
        return
    _show(found)
    if published is not None:
        console.print(published, markup=False)


def _show(found: SitePolicy) -> None:
    waits = "wait for code24 approval" if found.is_approval_needed else "are automatic"
    shared = "inform every site's priors" if found.is_shared else "inform only its own"
    show_fields(
        {
            "site": found.site_id,
            "decisions": waits,
            "finished tests": shared,
            "holdout": f"{found.holdout:.1%} of visitors",
        }
    )
