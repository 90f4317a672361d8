"""How far an import or a replay is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    Task,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from cli.importers.transfer import Progress as ImportProgress
from cli.importers.transfer import Step
from cli.output import console


class _RateColumn(TextColumn):
    """Rows a second since this process began with the file."""

    def __init__(self) -> None:
        super().__init__("")

    def render(self, task: Task) -> Text:
        """Return the rate; none before there is one."""
        rows = task.fields.get("rows", 0) - task.fields.get("before", 0)
        seconds = task.elapsed or 0.0
        return Text(f"{rows / seconds:,.0f} rows/s" if seconds > 0.5 else "")


@contextmanager
def importing() -> Iterator[ImportProgress]:
    """Give a callback that shows each file's rows, their rate and how much is left."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]:,} rows"),
        _RateColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as shown:
        tasks: dict[str, TaskID] = {}

        def advance(step: Step) -> None:
            if step.file not in tasks:
                tasks[step.file] = shown.add_task(
                    f"importing {step.file}", total=None, rows=0, before=step.rows
                )
            shown.update(
                tasks[step.file],
                completed=step.meter.done,
                total=step.meter.total,
                rows=step.rows,
            )

        yield advance


@contextmanager
def replaying() -> Iterator[Callable[[str, int, int], None]]:
    """Give a callback that shows how many of a partition's letters were looked at."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as shown:
        tasks: dict[str, TaskID] = {}

        def advance(partition: str, done: int, total: int) -> None:
            if partition not in tasks:
                tasks[partition] = shown.add_task(partition, total=total)
            shown.update(tasks[partition], completed=done)

        yield advance
