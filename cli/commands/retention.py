"""``code24 retention``: how long events are kept, and removing older ones now."""

from datetime import UTC, datetime
from getpass import getuser
from typing import Annotated

import typer

from cli.output import console, show_fields, show_json, show_table
from code24.errors import Code24Error
from code24.settings import Settings, load
from code24.state import State, open_state
from code24.state.retention import kept_days, retention_of, set_days

app = typer.Typer(
    help="How long events are kept; see docs/privacy.md.",
    invoke_without_command=True,
    epilog="Example: code24 retention --dry-run",
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback(epilog="Example: code24 retention --dry-run")
def retention(
    context: typer.Context,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what would go; remove nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Remove events older than is kept from log, raw, warehouse and dead letters.

    The nightly job does the same. CODE24_RETENTION_DAYS says how many days are kept.
    """
    if context.invoked_subcommand is not None:
        return
    settings = load()
    with open_state(settings.database_url) as state:
        counts = _apply(settings, state, is_dry=dry_run)
    if counts.get("warehouse") and not dry_run:
        _rebuild(settings)
    _show(settings, counts, dry_run=dry_run, as_json=as_json)


@app.command(name="list", epilog="Example: code24 retention list --json")
def list_(as_json: AsJson = False) -> None:
    """List how long each site's events are kept."""
    settings = load()
    with open_state(settings.database_url) as state:
        kept = kept_days(state, settings.retention_days)
    if as_json:
        show_json(kept)
        return
    show_table(
        ("site", "days kept", "from"),
        [
            (
                one.site_id,
                one.days or "until erased",
                "its own" if one.is_own else "CODE24_RETENTION_DAYS",
            )
            for one in kept
        ],
        empty="No sites.",
    )


@app.command(name="set", epilog="Example: code24 retention set shop --days 395")
def set_(
    site: str,
    days: Annotated[
        int | None, typer.Option(help="Days; the setting's where absent.")
    ] = None,
    by: Annotated[str | None, typer.Option(help="Who says so.")] = None,
) -> None:
    """Keep one site's events for another time than the setting says."""
    with open_state(load().database_url) as state:
        set_days(state, site, days, actor=by or getuser(), now=datetime.now(UTC))
    console.print(
        f"{site}: {'as the setting says' if days is None else f'{days} days'}"
    )


def _apply(settings: Settings, state: State, *, is_dry: bool) -> dict[str, int]:
    from orchestration.defs.privacy.retention import apply  # noqa: PLC0415 - slow
    from orchestration.resources import turn  # noqa: PLC0415 - Dagster loads slowly

    kept = retention_of(state, settings.retention_days, datetime.now(UTC))
    with turn(settings):
        return apply(settings, kept, is_dry=is_dry)


def _rebuild(settings: Settings) -> None:
    from cli.commands.run import prepare_home  # noqa: PLC0415 - only when acting
    from orchestration.run import run_loop  # noqa: PLC0415 - Dagster loads slowly

    prepare_home(settings)
    result = run_loop(settings, lambda _update: None)
    if not result.is_success:
        raise Code24Error(
            f"old events are removed, but {'; '.join(result.failures)}: code24 run"
        )


def _show(
    settings: Settings, counts: dict[str, int], *, dry_run: bool, as_json: bool
) -> None:
    if as_json:
        show_json(counts)
    elif not counts:
        console.print(
            "Nothing is limited: CODE24_RETENTION_DAYS is "
            f"{settings.retention_days}, and no site has a time of its own."
        )
    else:
        show_fields({name.replace("_", " "): count for name, count in counts.items()})
        console.print("Nothing was removed." if dry_run else "Removed.")
