"""``code24 simulate``: simulated sites with known truth, on the platform itself."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import Progress

from cli.output import console, show_fields, show_json, show_table
from code24.errors import Code24Error
from code24.settings import load

if TYPE_CHECKING:
    from models.simulate.curve import Point, Size
    from models.simulate.tally import Tally

EXAMPLE = (
    "Example: code24 simulate --sites 2 --days 10   how priors learn: "
    "code24 simulate --curve 5,20,100"
)
COLUMNS = (
    "rule",
    "tests",
    "shipped",
    "improvement",
    "winners shipped",
    "told / true",
    "value",
    "regret",
)


def simulate(  # noqa: PLR0913, PLR0917 - each is an option of the command
    sites: Annotated[int, typer.Option(min=1, help="How many sites.")] = 2,
    days: Annotated[int, typer.Option(min=1, help="How many days.")] = 10,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, other sites.")] = 1,
    visitors: Annotated[
        str, typer.Option(help="Visitors a site and day, least-most.")
    ] = "1000-4000",
    into: Annotated[
        Path | None, typer.Option(help="A folder of its own (HOME/simulated).")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Remove what was simulated there before.")
    ] = False,
    sizes: Annotated[
        str | None,
        typer.Option(
            "--curve", help="Only score priors learned from so many sites each."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be simulated, and where.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Let simulated sites run through the loop, and hold its decisions to the truth.

    Sites, effects and visitors are drawn, the rest is the platform's: release,
    assignment, the collector's contract, event log, warehouse, priors, analysis,
    decisions. All of it lies in a home of its own. With --curve no site runs: counts
    are drawn, nothing is written.
    """
    if sizes is not None:
        from models.simulate.curve import curve  # noqa: PLC0415 - loads slowly

        _show_curve(list(curve(_sizes(sizes), seed)), as_json=as_json)
        return
    _twin((sites, days, seed, _range(visitors)), into, replace, dry_run, as_json)


def _twin(
    wanted: tuple[int, int, int, tuple[int, int]],
    into: Path | None,
    is_new: bool,
    is_dry: bool,
    as_json: bool,
) -> None:
    from cli.simulation.home import check_home, simulated_home  # noqa: PLC0415
    from cli.simulation.report import report  # noqa: PLC0415 - Dagster loads slowly
    from cli.simulation.twin import Plan, run_twin  # noqa: PLC0415
    from models.simulate.portfolio import Population  # noqa: PLC0415

    sites, days, seed, visitors = wanted
    plan = Plan(sites, days, seed, Population(visitors=visitors))
    if is_dry:
        home = check_home(load(), into, is_new=is_new)
        console.print(f"Would simulate {sites} sites for {days} days in {home}.")
        return
    settings = simulated_home(load(), into, is_new=is_new)
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task("simulated days", total=days)
        found = run_twin(settings, plan, lambda _day: progress.advance(task))
    told = report(settings, plan, *found)
    if as_json:
        show_json(told)
        return
    show_fields(
        {
            "simulated in": settings.home,
            "sites": told.sites,
            "days": told.days,
            "events": f"{told.events:,} ({told.events_drained:,} in the warehouse)",
            "variants counted": f"{told.arms - told.arms_miscounted} of {told.arms}",
            "tests begun": told.tests_begun,
            "decisions": ", ".join(f"{n} {kind}" for kind, n in told.decisions.items()),
        }
    )
    console.print("\nTests that ended; other rules on the same, other visitors drawn:")
    rows = [_row(rule, each) for rule, each in told.rules.items()]
    show_table(COLUMNS, rows, empty="No test has ended yet: simulate more days.")


def _show_curve(points: "Iterable[Point]", *, as_json: bool) -> None:
    if as_json:
        show_json(
            [point._asdict() | {"tally": point.tally._asdict()} for point in points]
        )
        return
    console.print("Simulated: tests of new sites, after so many others have taught.")
    rows = [(p.sites, p.past_tests, *_row(p.rule, p.tally)) for p in points]
    show_table(("sites", "past tests", *COLUMNS), rows, empty="No size.")


def _row(rule: str, told: "Tally") -> tuple[object, ...]:
    return (
        rule,
        told.tests,
        told.shipped,
        _percent(told.improvement),
        _percent(told.winners_shipped),
        told.told_over_true,
        _percent(told.value),
        _percent(told.regret),
    )


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{share:.2%}"


def _sizes(text: str) -> "list[Size]":
    from models.simulate.curve import FULL, Size  # noqa: PLC0415 - loads slowly

    known = {size.sites: size for size in FULL}
    return [
        known.get(number, Size(number, 4)) for number in _numbers(text, "--curve", ",")
    ]


def _range(text: str) -> tuple[int, int]:
    numbers = _numbers(text, "--visitors", "-")
    if len(numbers) != 2 or numbers[0] > numbers[1] or numbers[0] < 10:
        raise Code24Error(f"--visitors {text}: must be as in 1000-4000, 10 at least")
    return numbers[0], numbers[1]


def _numbers(text: str, option: str, separator: str) -> list[int]:
    parts = [part.strip() for part in text.split(separator)]
    if not all(part.isdigit() and int(part) > 0 for part in parts):
        raise Code24Error(f"{option} {text}: must be numbers above 0")
    return [int(part) for part in parts]
