"""``code24 erase``: a visitor's or a site's data out of every store, with a receipt."""

from collections.abc import Mapping
from getpass import getuser
from typing import Annotated

import typer

from cli.output import console, show_fields, show_json, show_table
from code24.errors import Code24Error
from code24.privacy.subject import Subject
from code24.settings import Settings, load
from code24.state import State, erasures, open_state, sites

app = typer.Typer(
    help="Remove a visitor's or a site's data from every store; see docs/privacy.md.",
    invoke_without_command=True,
    epilog="Example: code24 erase --visitor 3f0c9a --site shop --dry-run",
)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.callback(epilog="Example: code24 erase --visitor 3f0c9a --site shop --yes")
def erase(  # noqa: PLR0913, PLR0917 - each is an option of the command
    context: typer.Context,
    site: Annotated[str | None, typer.Option(help="The site.")] = None,
    visitor: Annotated[
        str | None,
        typer.Option(
            help="The visitor's id, account, e-mail address or telephone number; "
            "the whole site where absent."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what would go; remove nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Remove it.")] = False,
    keep_past: Annotated[
        bool,
        typer.Option(help="Of a site: let its finished tests go on informing priors."),
    ] = False,
    by: Annotated[str | None, typer.Option(help="Who asks, for the receipt.")] = None,
    as_json: AsJson = False,
) -> None:
    """Remove what is held of a visitor, or of a whole site, everywhere and for good.

    Broken off, the same command goes on. Everything else stays as it is.
    """
    if context.invoked_subcommand is not None:
        return
    if site is None:
        raise Code24Error("--site is missing: code24 erase --help")
    settings = load()
    with open_state(settings.database_url) as state:
        subject = _subject(settings, state, site, visitor, keep_past=keep_past)
        if dry_run:
            _show_plan(settings, state, subject, as_json=as_json)
        elif not yes:
            raise Code24Error(
                "nothing was removed: look with --dry-run, then add --yes; it cannot "
                "be undone"
            )
        else:
            _erase(settings, state, subject, by or getuser(), as_json=as_json)


@app.command(name="list", epilog="Example: code24 erase list --site shop --json")
def list_(
    site: Annotated[str | None, typer.Option(help="Only this site's.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the erasures, the newest first."""
    with open_state(load().database_url) as state:
        found = erasures.list_erasures(state, site)
    if as_json:
        show_json(found)
        return
    show_table(
        ("erasure", "site", "of", "asked", "by", "status"),
        [
            (
                one.erasure_id,
                one.site_id,
                one.kind,
                f"{one.requested_at:%Y-%m-%d %H:%M}",
                one.requested_by,
                one.status,
            )
            for one in found
        ],
        empty="Nothing was erased yet.",
    )


@app.command(name="show", epilog="Example: code24 erase show ERASURE --json")
def show(erasure_id: str, as_json: AsJson = False) -> None:
    """Show the receipt of one erasure."""
    with open_state(load().database_url) as state:
        receipt = erasures.get_erasure(state, erasure_id)
    _show_receipt(receipt, as_json=as_json)


def _subject(
    settings: Settings, state: State, site: str, visitor: str | None, *, keep_past: bool
) -> Subject:
    """Return whom it is about; an erasure of a site that was broken off goes on."""
    subject = erasures.subject(
        state, site, visitor, keys=settings.keys, keeps_past=keep_past
    )
    begun = any(one.kind == "site" for one in erasures.list_erasures(state, site))
    if not begun:
        sites.get_site(state, site)
    return subject


def _show_plan(
    settings: Settings, state: State, subject: Subject, *, as_json: bool
) -> None:
    from orchestration.defs.privacy.erasure import linked, look  # noqa: PLC0415 - slow
    from orchestration.defs.privacy.registry import all_stores  # noqa: PLC0415 - slow

    subject = linked(settings, subject)
    plan = look(settings, state, subject)
    if as_json:
        show_json({"ids": sorted(subject.ids), "stores": plan})
        return
    further = sorted(subject.ids - {subject.asked})
    if further:
        console.print(f"Ids of the same visitor: {', '.join(further)}", markup=False)
    show_table(
        ("store", "what", "found"),
        [(one.name, one.what, _counts(plan[one.name])) for one in all_stores()],
        empty="",
    )
    console.print("Nothing was removed. Add --yes instead of --dry-run to act.")


def _erase(
    settings: Settings, state: State, subject: Subject, by: str, *, as_json: bool
) -> None:
    from cli.commands.run import prepare_home  # noqa: PLC0415 - only when acting
    from orchestration.defs.privacy.erasure import erase as act  # noqa: PLC0415 - slow

    def tell(step: str, counts: Mapping[str, int]) -> None:
        if not as_json:
            console.print(f"{step}: {_counts(counts)}", markup=False)

    prepare_home(settings)
    receipt = act(settings, state, subject, actor=by, on_step=tell)
    _show_receipt(receipt, as_json=as_json)


def _show_receipt(receipt: erasures.Erasure, *, as_json: bool) -> None:
    if as_json:
        show_json(receipt)
        return
    show_fields(
        {
            "erasure": receipt.erasure_id,
            "site": receipt.site_id,
            "of": receipt.kind,
            "id hashes": receipt.id_hashes,
            "asked": f"{receipt.requested_at:%Y-%m-%d %H:%M:%S} UTC",
            "by": receipt.requested_by,
            "status": receipt.status,
            "finished": receipt.finished_at
            and f"{receipt.finished_at:%Y-%m-%d %H:%M:%S} UTC",
        }
    )
    found = receipt.steps.get("found", {})
    show_table(
        ("store", "found", "done last"),
        [
            (store, _counts(found.get(store, {})), _counts(counts))
            for store, counts in receipt.steps.items()
            if store != "found"
        ],
        empty="No store is done yet: run the same command again.",
    )


def _counts(counts: Mapping[str, int]) -> str:
    told = [f"{count:,} {name.replace('_', ' ')}" for name, count in counts.items()]
    return ", ".join(told)
