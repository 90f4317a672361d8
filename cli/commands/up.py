"""``code24 up``: every process, started and stopped together."""

import typer

from cli.commands.run import prepare_home
from cli.documentation import build_documentation
from cli.output import console
from cli.supervisor import Supervisor, processes
from code24.settings import load

EXAMPLE = "Example: code24 up   then open the addresses it prints; Ctrl-C stops all."


def up() -> None:
    """Start collector, dispatcher, control API, console, Dagster, worker and docs.

    Each listens on 127.0.0.1; one that dies is started again, later each time.
    """
    settings = load()
    prepare_home(settings)
    build_documentation(settings)
    supervisor = Supervisor(processes(settings), settings, say=console.print)
    raise typer.Exit(supervisor.run())
