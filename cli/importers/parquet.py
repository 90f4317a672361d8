"""Reading Parquet files of others: one clear error instead of a library's own."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.importers.importer import ImportFileError, Meter

if TYPE_CHECKING:
    import polars as pl

AT_ONCE = 10_000
"""Rows of a file in memory as Python values."""


def read(path: Path, columns: Mapping[str, type | None]) -> pl.DataFrame:
    """Return the columns of the file, each as the type given (none: as it is).

    Raises:
        ImportFileError: it is absent, truncated, no Parquet, or a column is missing
            or of another type.
    """
    import polars as pl  # noqa: PLC0415 - slow to load, and most commands need none

    try:
        frame = pl.read_parquet(path, columns=list(columns))
        return frame.cast({name: kind for name, kind in columns.items() if kind})
    except (OSError, pl.exceptions.PolarsError) as error:
        cause = str(error).splitlines()[0]
        raise ImportFileError(f"{path}: cannot be read as Parquet: {cause}") from error


def rows(
    path: Path, columns: Collection[str], meter: Meter
) -> Iterator[dict[str, Any]]:
    """Yield the rows, each with all of the file's columns, a part of it at a time.

    Raises:
        ImportFileError: it is absent, truncated, no Parquet, or a column is missing.
    """
    import pyarrow as pa  # noqa: PLC0415 - as above
    from pyarrow import parquet  # noqa: PLC0415

    try:
        with parquet.ParquetFile(path) as file:
            _check_columns(path, columns, file.schema_arrow.names)
            meter.total, meter.unit = file.metadata.num_rows, "rows"
            for batch in file.iter_batches(AT_ONCE):
                yield from batch.to_pylist()
                meter.done += batch.num_rows
    except (OSError, pa.ArrowException) as error:
        cause = str(error).splitlines()[0]
        raise ImportFileError(f"{path}: cannot be read as Parquet: {cause}") from error


def has_columns(path: Path, columns: Collection[str]) -> bool:
    """Say whether this is a Parquet file with all of these columns."""
    if path.suffix != ".parquet" or not path.is_file():
        return False
    import polars as pl  # noqa: PLC0415 - as above

    try:
        return set(columns) <= set(pl.read_parquet_schema(path))
    except (OSError, pl.exceptions.PolarsError):
        return False


def _check_columns(path: Path, wanted: Collection[str], there: Collection[str]) -> None:
    missing = sorted(set(wanted) - set(there))
    if missing:
        raise ImportFileError(
            f"{path}: cannot be read as Parquet: no column {', '.join(missing)}"
        )
