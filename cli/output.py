"""How commands show what they found: a table for people, JSON for programs."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from code24.contracts.wire import encode

WIDE = 240
"""Columns where nobody looks at a screen: what reads the output wants whole words."""

console = Console(highlight=False)
if not console.is_terminal:
    console.width = WIDE


def show_json(value: Any) -> None:
    """Print one JSON document, indented, camelCase where it is a contract."""
    console.print_json(json.dumps(json.loads(encode(value))), indent=2)


def show_table(
    columns: Sequence[str], rows: Sequence[Sequence[object]], *, empty: str
) -> None:
    """Print the rows under their columns, or ``empty`` where there are none."""
    if not rows:
        console.print(empty)
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, no_wrap=number == 0)
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    console.print(table)


def show_fields(fields: Mapping[str, object]) -> None:
    """Print one thing as a column of names and values."""
    width = max(len(name) for name in fields)
    for name, value in fields.items():
        console.print(f"[bold]{name:<{width}}[/]  {_cell(value)}", soft_wrap=True)


def _cell(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.4g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, (tuple, list)):
        return ", ".join(_cell(item) for item in value)
    return str(value).replace("[", r"\[")
