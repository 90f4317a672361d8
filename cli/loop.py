"""The loop as ``code24 run`` shows it: its steps as they end, then what stands."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from cli.output import console, show_fields
from code24.settings import HOST, Settings
from orchestration.run import LoopResult, StepStatus, StepUpdate, run_loop

_MARKS: dict[StepStatus, str] = {
    "finished": "[green]✓[/]",
    "failed": "[red]✗[/]",
    "skipped": "[dim]–[/]",
}
_CHECK = "_expectations"


def run_and_show(settings: Settings) -> LoopResult:
    """Run the loop once with its steps on the screen, then say what stands."""
    with _looping() as tell:
        result = run_loop(settings, tell)
    _show_summary(result, settings)
    return result


@contextmanager
def _looping() -> Iterator[Callable[[StepUpdate], None]]:
    """Give a callback that shows each step of the loop as it ends."""
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    ) as shown:
        tasks: dict[str, TaskID] = {}

        def tell(update: StepUpdate) -> None:
            title = _title(update.step)
            if update.status == "started":
                tasks[update.step] = shown.add_task(title, total=None)
                return
            if update.step in tasks:
                shown.remove_task(tasks.pop(update.step))
            mark = _MARKS[update.status]
            shown.console.print(f"{mark} {title:<34} {update.seconds:6.1f} s")

        yield tell


def _title(step: str) -> str:
    """Return a step's name as words; of a check, the table's and what it is."""
    schema, _, rest = step.rpartition("__")
    if step.endswith(_CHECK):
        table = rest.removesuffix(_CHECK)
        name = table[max(table.rfind("_mart_"), table.rfind("_raw_")) + 1 :]
        return f"check {name.replace('_', ' ')}"
    return f"{schema} {rest}".strip().replace("_", " ")


def _show_summary(result: LoopResult, settings: Settings) -> None:
    """Print what stands now, what this run added, and what to type next."""
    console.print()
    show_fields(
        {
            "sites": result.sites,
            "events": f"{result.events:,} ({result.new_events:,} new)",
            "dead letters": result.dead_letters,
            "tests analysed": result.tests,
            "decisions": _decisions(result),
            "release": _release(result),
            "reports": result.reports_version,
        }
    )
    if result.is_success:
        console.print()
        console.print(
            "Next: [bold]make up[/], then the console at "
            f"http://{HOST}:{settings.ports.console}   or: "
            "[bold].venv/bin/code24 test list[/]",
            soft_wrap=True,
        )


def _decisions(result: LoopResult) -> str:
    kinds = [f"{count} {kind}" for kind, count in result.decisions.items()]
    return f"{', '.join(kinds) or 'none'} ({result.new_decisions} new)"


def _release(result: LoopResult) -> str:
    if result.release_id is None:
        return "none"
    news = "new" if result.is_new_release else "as before"
    return f"{result.release_id} ({news}) in {result.release_path}"
