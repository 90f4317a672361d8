"""``code24 import``: other tools' files into the event log."""

from pathlib import Path
from typing import Annotated

import typer

from cli.output import console
from cli.progress import importing
from code24.errors import Code24Error
from code24.settings import load

EXAMPLE = "Example: code24 import events.jsonl --site shop"


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
) -> None:
    """Import a file; again, it adds nothing; interrupted, it goes on from there.

    A row that cannot be read becomes a dead letter with its reason, the rest goes on.
    """
    from cli.importers import run_import  # noqa: PLC0415 - the formats load slowly

    options = dict(_pair(text) for text in option or [])
    with importing() as progress:
        summary = run_import(
            load(),
            path,
            format_name=format_name,
            site=site,
            options=options,
            progress=progress,
        )
    console.print(str(summary), markup=False)
    if summary.dead_letters:
        console.print("The dead letters lie in the log with their reasons.")


def _pair(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise Code24Error(f"--option {text!r}: must be name=value")
    return name, value
