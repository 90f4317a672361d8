"""Tables of metrics made of units that are known one by one."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from models.experiments.metrics.estimate import SUMS

Array = np.ndarray


class Units(NamedTuple):
    """What the units of one arm did."""

    value: Array
    per: Array
    earlier: Array


def arm(value: Array, per: Array | None = None, earlier: Array | None = None) -> Units:
    nothing = np.zeros(len(value))
    return Units(
        np.asarray(value, dtype=float),
        nothing if per is None else per,
        nothing if earlier is None else earlier,
    )


def metric(test: str = "t", name: str = "m", **fields: Any) -> dict[str, Any]:
    """Return a row of ``raw.metrics`` that needs statistics of its own."""
    return {
        "experiment_id": test,
        "metric_id": name,
        "site_id": "shop",
        "role": "secondary",
        "kind": "value",
        "is_plain": False,
        "is_increase_good": True,
        "measure": "conversions",
        "per": None,
        "quantile": None,
        **fields,
    }


def metrics(*rows: dict[str, Any]) -> pl.DataFrame:
    types = {"quantile": pl.Float64, "is_plain": pl.Boolean, "per": pl.String}
    return pl.DataFrame(list(rows), schema_overrides=types)


def sums(
    arms: Sequence[Units], test: str = "t", name: str = "m", **fields: Any
) -> list[dict[str, Any]]:
    """Return rows of ``marts.mart_metric_stats``."""
    return [
        {
            "experiment_id": test,
            "metric_id": name,
            "variation_index": index,
            "variant_id": f"v{index}",
            "units_pending": 0,
            **dict(zip(SUMS, _sums(units), strict=True)),
            **fields,
        }
        for index, units in enumerate(arms)
    ]


def _sums(units: Units) -> list[float]:
    y, d, x = units
    parts = (y, y * y, d, d * d, y * d, x, x * x, x * y)
    return [float(len(y)), float((y > 0).sum()), *(float(p.sum()) for p in parts)]


STATS = pl.DataFrame(
    schema={
        "experiment_id": pl.String,
        "metric": pl.String,
        "variation_index": pl.Int64,
        "variant_id": pl.String,
        "units": pl.Int64,
        "conversions": pl.Int64,
        "value_sum": pl.Float64,
        "value_sum_sq": pl.Float64,
    }
)
"""No test has statistics of its conversions."""


def histogram(
    arms: Sequence[Units], test: str = "t", name: str = "m"
) -> list[dict[str, Any]]:
    """Return rows of ``marts.mart_metric_histogram``, by the warehouse's bins."""
    found = []
    for index, units in enumerate(arms):
        positive = units.value[units.value > 0]
        bins = np.floor(np.log(positive) / np.log(1.02)).astype(int)
        for number, count in zip(*np.unique(bins, return_counts=True), strict=True):
            row = {"variation_index": index, "bin": int(number), "units": int(count)}
            found.append({"experiment_id": test, "metric_id": name, **row})
    return found


BINS = {
    "experiment_id": pl.String,
    "metric_id": pl.String,
    "variation_index": pl.Int64,
    "bin": pl.Int64,
    "units": pl.Int64,
}


def bins(rows: Sequence[dict[str, Any]] = ()) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=BINS)
