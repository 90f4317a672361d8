"""Reading Parquet files of others: one clear error instead of a library's own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cli.importers.importer import ImportFileError

if TYPE_CHECKING:
    import polars as pl


def read(path: Path, columns: Sequence[str]) -> pl.DataFrame:
    """Return the columns of the file.

    Raises:
        ImportFileError: it is absent, truncated, no Parquet, or lacks a column.
    """
    import polars as pl  # noqa: PLC0415 - slow to load, and most commands need none

    try:
        return pl.read_parquet(path, columns=list(columns))
    except (OSError, pl.exceptions.PolarsError) as error:
        cause = str(error).splitlines()[0]
        raise ImportFileError(f"{path}: cannot be read as Parquet: {cause}") from error


def has_columns(path: Path, columns: Sequence[str]) -> bool:
    """Say whether this is a Parquet file with all of these columns."""
    if path.suffix != ".parquet" or not path.is_file():
        return False
    import polars as pl  # noqa: PLC0415 - as above

    try:
        return set(columns) <= set(pl.read_parquet_schema(path))
    except (OSError, pl.exceptions.PolarsError):
        return False
