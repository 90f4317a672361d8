"""``code24 doctor``: what is healthy, what is not, and why."""

from dataclasses import asdict
from typing import Annotated

import typer

from cli.checks import findings
from cli.output import console, show_json
from code24.settings import load

EXAMPLE = "Example: code24 doctor   for a program: code24 doctor --json"
_MARK = {"well": "[green]well[/]", "idle": "[dim]idle[/]", "ill": "[red]ill [/]"}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say of every store and process how it stands; exit status 1 if one is ill.

    ``idle`` means not started or not made yet, which is no fault.
    """
    found = list(findings(load()))
    if as_json:
        show_json([asdict(finding) for finding in found])
    else:
        for finding in found:
            way_out = f"  → {finding.way_out}" if finding.way_out else ""
            detail = finding.detail.replace("[", r"\[")
            console.print(
                f"{_MARK[finding.health]}  {finding.part:<13} {detail}{way_out}",
                soft_wrap=True,
            )
    if any(finding.health == "ill" for finding in found):
        raise typer.Exit(1)
