"""Parquet files whose bytes depend on their rows alone."""

from pathlib import Path

import polars as pl

COMPRESSION_LEVEL = 19
"""zstd's slowest ordinary level: written once, committed, cloned by everyone."""


def write(frame: pl.DataFrame, schema: pl.Schema, path: Path) -> None:
    """Write the frame's columns that the schema names, in its order and types."""
    path.parent.mkdir(parents=True, exist_ok=True)
    typed = frame.select(
        pl.col(name).cast(dtype, strict=True) for name, dtype in schema.items()
    )
    typed.write_parquet(
        path,
        compression="zstd",
        compression_level=COMPRESSION_LEVEL,
        row_group_size=1 << 20,
    )
