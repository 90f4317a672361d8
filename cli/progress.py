"""How far an import is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from cli.output import console

ImportProgress = Callable[[str, int], None]


@contextmanager
def importing() -> Iterator[ImportProgress]:
    """Give a callback that shows the rows of each file so far."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        TextColumn("{task.completed:,.0f} rows"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as shown:
        tasks: dict[str, TaskID] = {}

        def advance(file: str, rows: int) -> None:
            if file not in tasks:
                tasks[file] = shown.add_task(f"importing {file}", total=None)
            shown.update(tasks[file], completed=rows)

        yield advance
