"""The metrics that are watched beside a test's goal, as its page shows them."""

import polars as pl

from app.console import wording
from app.console.reading import Reports

SHARES = ("conversion", "retention")
"""Kinds whose figure is a share of the visitors."""
ROLES = {"guardrail": "Guardrail", "secondary": "Secondary"}


def of_test(reports: Reports, test_id: str) -> pl.DataFrame:
    """Return one row per metric and variant that was analysed, guardrails first."""
    rows = reports.metrics.filter(pl.col("experiment_id") == test_id)
    return rows.filter(pl.col("problem").is_null()).sort(
        "role", "metric_id", "variation_index"
    )


def problems(reports: Reports, test_id: str) -> list[str]:
    """Return why metrics of the test could not be analysed, a sentence each."""
    rows = reports.metrics.filter(pl.col("experiment_id") == test_id)
    return rows["problem"].drop_nulls().unique(maintain_order=True).to_list()


def as_table(rows: pl.DataFrame) -> pl.DataFrame:
    """Return the columns of the table, percentages as such."""
    is_share = pl.col("kind").is_in(SHARES)
    is_variant = ~pl.col("is_control")
    figure = pl.col("mean")
    interval = pl.format(
        "{} to {}",
        *(
            pl.col(end).map_elements(wording.lift, return_dtype=pl.String)
            for end in ("lift_low", "lift_high")
        ),
    )
    return rows.select(
        pl.col("role").replace(ROLES),
        "metric_id",
        "variant_id",
        "units",
        pl.when(is_share)
        .then(pl.format("{}%", (figure * 100).round(2)))
        .otherwise(figure.round(3).cast(pl.String))
        .alias("figure"),
        pl.when(is_variant).then(pl.col("lift") * 100).alias("lift"),
        pl.when(is_variant).then(interval).otherwise(pl.lit("Control")).alias("range"),
        (pl.col("chance_to_win") * 100).alias("chance_to_win"),
        "e_value_harm",
        "units_pending",
    )
