"""Frames as Markdown tables, for the metadata of assets."""

from typing import Any

import polars as pl

MOST_ROWS = 50
"""Metadata is kept with every run, so a table in it stays short."""


def table_of(frame: pl.DataFrame) -> str:
    """Return the first rows as a Markdown table, saying how many were left out."""
    names = frame.columns
    lines = [_line(names), _line(["---"] * len(names))]
    lines += [_line(row) for row in frame.head(MOST_ROWS).iter_rows()]
    if frame.height > MOST_ROWS:
        lines.append(f"\n{frame.height - MOST_ROWS} more rows")
    return "\n".join(lines)


def _line(values: Any) -> str:
    return "| " + " | ".join(_text(value) for value in values) + " |"


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value).replace("|", "\\|")
