"""Builders of the tables that the analysis reads."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from models.experiments.arms import Arms, Floats, build

START = datetime.fromisoformat("2026-01-05T08:00:00")
DEFINED = datetime.fromisoformat("2026-01-01T00:00:00")
END = datetime.fromisoformat("2026-01-19T08:00:00")


def stats(
    counts: Mapping[str, Sequence[tuple[Any, Any]]], **columns: Any
) -> pl.DataFrame:
    """Return mart rows of tests given as ``{id: [(units, conversions), …]}``."""
    rows = [
        {
            "experiment_id": test,
            "site_id": "shop",
            "variation_index": index,
            "variant_id": f"v{index}",
            "metric": "conversion",
            "units": units,
            "conversions": conversions,
            "units_multiple": 0,
            "first_exposure_at": START,
            "last_exposure_at": END,
            **columns,
        }
        for test, variants in counts.items()
        for index, (units, conversions) in enumerate(variants)
    ]
    return pl.DataFrame(rows, strict=False)


def weights(table: pl.DataFrame) -> pl.DataFrame:
    """Return equal planned weights for every test of ``table``."""
    return table.select(
        "experiment_id",
        "variation_index",
        pl.lit(DEFINED).alias("from_at"),
        (1.0 / pl.len().over("experiment_id")).alias("weight"),
    )


def arms(*tests: Sequence[tuple[float, float]]) -> Arms:
    """Return the arms of tests given as sequences of (units, conversions)."""
    sizes = [len(variants) for variants in tests]
    flat = np.array([pair for variants in tests for pair in variants], dtype=float)
    index = np.repeat(np.arange(len(tests)), sizes)
    is_control = np.concatenate([np.arange(size) == 0 for size in sizes])
    return build(index, is_control, flat[:, 0], flat[:, 1])


def draws(
    center: Floats, covariance: Floats, number: int, rng: np.random.Generator
) -> Floats:
    """Draw from a normal law that may have variances of 0."""
    values, vectors = np.linalg.eigh(covariance)
    scale = vectors * np.sqrt(np.maximum(values, 0.0))
    drawn: Floats = center + rng.standard_normal((number, len(center))) @ scale.T
    return drawn
