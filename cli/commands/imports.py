"""``code24 import``: other tools' files into the event log."""

from pathlib import Path
from typing import Annotated, Any

import typer

from cli.output import console, show_fields, show_json, show_table
from code24.errors import Code24Error
from code24.settings import load

EXAMPLE = (
    "Example: code24 import events.jsonl --site shop   first: "
    "code24 import access.log.gz --site shop --dry-run"
)


def import_file(
    path: Annotated[Path, typer.Argument(help="The file or folder to import.")],
    site: Annotated[
        str | None, typer.Option(help="The site it belongs to, where it does not say.")
    ] = None,
    format_name: Annotated[
        str | None,
        typer.Option("--format", help="Its format; found out where absent."),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(help="The format's own, as name=value; may be given again."),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(min=1, help="Rows of each file at most; again without: the rest."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what it holds, write nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Import a file; again, it adds nothing; interrupted, it goes on from there.

    A row that cannot be read becomes a dead letter with its reason, the rest goes on.
    """
    from cli.importers import run_import, survey  # noqa: PLC0415 - they load slowly
    from cli.progress import importing  # noqa: PLC0415

    options = dict(_pair(text) for text in option or [])
    with importing() as progress:
        done: Any = (survey if dry_run else run_import)(
            load(),
            path,
            format_name=format_name,
            site=site,
            options=options,
            limit=limit,
            progress=progress,
        )
    if as_json:
        show_json(done)
    elif dry_run:
        _show_survey(done)
    else:
        console.print(str(done), markup=False)
        if done.dead_letters:
            console.print("The dead letters lie in the log with their reasons.")


def _show_survey(found: Any) -> None:
    show_fields(
        {
            "file": f"{found.source} ({', '.join(found.formats)})",
            "rows": found.rows,
            "bots": found.bots,
            "first event": found.first_at,
            "last event": found.last_at,
        }
    )
    counts = [
        *(("taken in", kind, number) for kind, number in found.kinds.items()),
        *(("skipped", reason, number) for reason, number in found.skipped.items()),
        *(("refused", code, number) for code, number in found.refused.items()),
    ]
    show_table(("", "kind", "rows"), counts, empty="No rows.")
    if found.first_refused:
        letters = [(letter.source, letter.reason) for letter in found.first_refused]
        show_table(("first refused", "reason"), letters, empty="")
    console.print("Nothing was written.")


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise Code24Error(f"--option {text!r}: must be name=value")
    return name, value
