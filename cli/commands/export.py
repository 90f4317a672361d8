"""``code24 export``: all that is held of one visitor, as one JSON document."""

from pathlib import Path
from typing import Annotated

import typer

from cli.output import console
from code24.settings import load
from code24.state import erasures, open_state, sites

EXAMPLE = "Example: code24 export --visitor 3f0c9a --site shop --output 3f0c9a.json"


def export(
    visitor: Annotated[
        str,
        typer.Option(help="An id, account, e-mail address or telephone number."),
    ],
    site: Annotated[str, typer.Option(help="The site.")],
    output: Annotated[Path, typer.Option(help="The file to write; not yet there.")],
) -> None:
    """Write what is held of one visitor: events, sessions, tests seen, conversions.

    For a request of access (docs/privacy.md). The visitor's other ids are found too.
    """
    from orchestration.defs.privacy.export import write_export  # noqa: PLC0415 - slow

    settings = load()
    with open_state(settings.database_url) as state:
        sites.get_site(state, site)
        subject = erasures.subject(state, site, visitor, keys=settings.keys)
        counts = write_export(settings, state, subject, output)
    told = ", ".join(f"{count:,} {name}" for name, count in counts.items())
    console.print(f"{output}: {told}.", markup=False)
