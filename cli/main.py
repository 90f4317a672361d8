"""The ``code24`` command: one file below ``cli/commands`` for each of its verbs."""

import sys

import typer
from rich.console import Console

from cli.commands import (
    approval,
    bench,
    doctor,
    erase,
    export,
    group,
    imports,
    job,
    release,
    replay,
    retention,
    run,
    simulate,
    site,
    test,
    threshold,
    up,
)
from code24.errors import Code24Error

app = typer.Typer(
    help="Run many websites towards their goals: collect, test, decide, publish.",
    epilog="Example: code24 run   then: code24 up   settings: CODE24_HOME and .env",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(name="run", epilog=run.EXAMPLE)(run.run)
app.command(name="up", epilog=up.EXAMPLE)(up.up)
app.command(name="doctor", epilog=doctor.EXAMPLE)(doctor.doctor)
app.command(name="import", epilog=imports.EXAMPLE)(imports.import_file)
app.command(name="replay", epilog=replay.EXAMPLE)(replay.replay)
app.command(name="export", epilog=export.EXAMPLE)(export.export)
app.command(name="simulate", epilog=simulate.EXAMPLE)(simulate.simulate)
app.command(name="bench", epilog=bench.EXAMPLE)(bench.bench)
app.add_typer(site.app, name="site")
app.add_typer(test.app, name="test")
app.add_typer(job.app, name="job")
app.add_typer(release.app, name="release")
app.add_typer(approval.app, name="approval")
app.add_typer(erase.app, name="erase")
app.add_typer(retention.app, name="retention")
app.add_typer(threshold.app, name="threshold")
app.add_typer(group.app, name="group")


def main() -> None:
    """Run the command; an error of ours is one line and exit status 1."""
    try:
        app()
    except Code24Error as error:
        Console(stderr=True, soft_wrap=True, highlight=False).print(
            f"[red]error:[/] {_plain(error)}"
        )
        sys.exit(1)


def _plain(error: Code24Error) -> str:
    """Escape what rich would take for markup, and keep to one line."""
    return " ".join(str(error).split()).replace("[", r"\[")
