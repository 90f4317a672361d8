"""The boundaries of ``stopping`` for each row of an analysis."""

from collections import defaultdict
from typing import Any

import numpy as np
import polars as pl

from models.experiments.stopping import Law, Terms, solve

SECONDS_A_DAY = 86_400.0


def with_boundaries(analyses: pl.DataFrame, terms: Terms) -> pl.DataFrame:
    """Add ``age_days``, ``ship_from`` and ``stop_up_to`` to each analysed row.

    A test's age runs from its first exposure to its last, not to the clock's now: the
    information that has come in belongs to that time. The boundaries are null for
    controls and where nothing was estimated.

    Args:
        analyses: rows of ``experiments.analyses``.
        terms: what deciding is worth.
    """
    test = "experiment_id"
    first = pl.col("first_exposure_at").min().over(test)
    age = (pl.col("last_exposure_at").max().over(test) - first).dt.total_seconds(
        fractional=True
    )
    rows = analyses.with_columns((age / SECONDS_A_DAY).alias("age_days"))
    ship, stop = np.full((2, rows.height), np.nan)
    for law, numbers in _by_law(rows).items():
        part = rows[numbers]
        information = part["observed_sd"].to_numpy() ** -2.0
        found = solve(law, terms).at(part["age_days"].to_numpy(), information)
        ship[numbers], stop[numbers] = found
    return rows.with_columns(
        pl.Series("ship_from", ship).fill_nan(None),
        pl.Series("stop_up_to", stop).fill_nan(None),
    )


def _by_law(rows: pl.DataFrame) -> dict[Law, list[int]]:
    """Return the numbers of the rows that have boundaries, by the prior's law."""
    names = ("prior_scales", "prior_weights", "prior_shift")
    asked = rows.with_row_index("row").filter(pl.col("observed_sd").is_not_null())
    found: dict[Law, list[int]] = defaultdict(list)
    for row in asked.select("row", *names).iter_rows():
        found[_law(*row[1:])].append(row[0])
    return found


def _law(scales: list[Any], weights: list[Any], shift: float) -> Law:
    return Law(tuple(scales), tuple(weights), shift)
