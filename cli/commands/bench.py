"""``code24 bench``: figures anyone can measure again."""

from typing import Annotated

import typer
from rich.progress import Progress

from cli.bench.figure import Bench, Figure, write
from cli.output import console, show_json, show_table
from code24.errors import Code24Error
from code24.settings import load

EXAMPLE = (
    "Example: code24 bench loop.run_s   all of them, shorter: code24 bench --quick"
)


def bench(
    names: Annotated[
        list[str] | None, typer.Argument(help="Figures to measure; all where absent.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer runs, smaller sizes: five minutes.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure figures, each against a peer or a limit in the same run.

    They are written to bench.json in the home, beside the machine and the commit.
    """
    settings = load()
    figures: dict[str, Figure] = {}
    wanted = _wanted(names or [])
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("", total=len(wanted))
        for each in wanted:
            progress.update(task, description=", ".join(each.names))
            figures |= each.measure(settings, quick)
            write(settings.bench, figures)
            progress.advance(task)
    if as_json:
        show_json(figures)
        return
    show_table(
        ("figure", "value", "unit", "ratio", "against", "runs"),
        [
            (name, f.value, f.unit, f.ratio, f.against, f.runs)
            for name, f in sorted(figures.items())
        ],
        empty="No figure.",
    )


def _wanted(names: list[str]) -> list[Bench]:
    from cli.bench import catalogue  # noqa: PLC0415 - what is measured loads slowly

    benches = catalogue.benches()
    known = {name: each for each in benches for name in each.names}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise Code24Error(
            f"no figure {', '.join(unknown)}; there are: {', '.join(sorted(known))}"
        )
    if not names:
        return list(benches)
    return [each for each in benches if set(names) & set(each.names)]
