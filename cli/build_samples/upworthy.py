"""The headline tests: what was shown, how often, and how often it was clicked."""

from pathlib import Path

import polars as pl

from cli.build_samples import parquet

SCHEMA = pl.Schema(
    {
        "test_id": pl.String(),
        "created_at": pl.Datetime("ms"),
        "test_week": pl.Int32(),
        "variation": pl.Int16(),
        "headline": pl.String(),
        "image_id": pl.String(),
        "impressions": pl.Int32(),
        "clicks": pl.Int32(),
    }
)
"""One row a package; ``variation`` is its place in the archive's order, from 0.

Not carried: the archive's own ``significance``, ``winner`` and ``first_place``, and
``winner_count_anomaly`` and ``ctr``, which a re-poster added.
"""
EPOCH_DIGITS = 8
"""A test's id is an ObjectID: its first eight hexadecimal digits are its second."""


def build(source: Path, target: Path) -> None:
    """Write every package of every test to ``headline_tests.parquet``."""
    packages = pl.read_parquet(source)
    frame = (
        packages.sort("clickability_test_id", "index")
        .with_columns(
            pl.col("clickability_test_id").alias("test_id"),
            pl.col("clickability_test_id")
            .str.head(EPOCH_DIGITS)
            .str.to_integer(base=16)
            .pipe(pl.from_epoch)
            .alias("created_at"),
            pl.col("eyecatcher_id").alias("image_id"),
            pl.int_range(pl.len()).over("clickability_test_id").alias("variation"),
        )
        .sort("created_at", "test_id", "variation")
    )
    parquet.write(frame, SCHEMA, target / "headline_tests.parquet")
