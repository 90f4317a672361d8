"""``code24 run``: the main loop once, with the sample data where nothing else is."""

import os
from enum import StrEnum
from typing import Annotated

import typer

from cli.output import console
from cli.progress import importing
from code24.errors import Code24Error
from code24.settings import Settings, load
from code24.state import open_state, sites

EXAMPLE = (
    "Example: code24 run   or, in a home of its own: CODE24_HOME=/tmp/h code24 run"
)


class Sample(StrEnum):
    """Whether the sample data is imported first."""

    auto = "auto"
    yes = "yes"
    no = "no"


def run(
    sample: Annotated[
        Sample,
        typer.Option(help="Import the sample data; auto: unless a site is your own."),
    ] = Sample.auto,
) -> None:
    """Take what is in the event log to decisions, a release and reports, once.

    Log to raw files, to the warehouse, through the checks, to the analysis of every
    test, to decisions, to the release that is served. Again, it adds nothing twice.
    """
    from cli.loop import run_and_show  # noqa: PLC0415 - Dagster loads slowly

    settings = load()
    prepare_home(settings)
    if _wants_sample(settings, sample):
        _import_samples(settings)
    result = run_and_show(settings)
    if not result.is_success:
        raise Code24Error(
            f"{len(result.failures)} steps failed: {'; '.join(result.failures)}"
        )


def _import_samples(settings: Settings) -> None:
    from cli.importers.samples import import_samples  # noqa: PLC0415 - loads slowly

    with importing() as progress:
        for summary in import_samples(settings, progress):
            console.print(str(summary), markup=False)


def prepare_home(settings: Settings) -> None:
    """Make everything a home needs, and let child processes see the same settings."""
    from orchestration.instance import prepare  # noqa: PLC0415 - Dagster loads slowly

    os.environ.update(settings.environment())
    prepare(settings)


def _wants_sample(settings: Settings, sample: Sample) -> bool:
    from cli.importers.samples import is_own_site  # noqa: PLC0415 - loads slowly

    if sample is not Sample.auto:
        return sample is Sample.yes
    with open_state(settings.database_url) as state:
        return not any(is_own_site(site) for site in sites.list_sites(state))
