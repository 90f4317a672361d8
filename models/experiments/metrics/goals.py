"""The goal metric of each test in the place of its conversions."""

import polars as pl

from models.experiments.metrics.figures import FIGURES_SCHEMA

NO_GOALS = pl.DataFrame(schema=FIGURES_SCHEMA)
"""Every test is judged by its conversions."""


def with_goals(rows: pl.DataFrame, figures: pl.DataFrame) -> pl.DataFrame:
    """Add by what each test is judged, and take its counts and problem from there.

    ``units`` stay those that were shown a variant, by which the split is checked;
    ``conversions`` become the units that count with something, ``counted_units`` the
    units of the figure. Tests whose goal is not among ``figures`` have their
    conversions as they are.
    """
    if figures.is_empty():
        return rows.with_columns(*_by_conversions())
    goals = figures.filter(pl.col("role") == "goal").select(
        "experiment_id",
        "variation_index",
        pl.col("metric_id").alias("metric"),
        pl.col("kind").alias("metric_kind"),
        pl.col("units").alias("counted_units"),
        "units_with",
        "figure",
        "log_figure",
        "log_variance",
        "is_counted",
        pl.col("problem").alias("goal_problem"),
    )
    joined = rows.join(
        goals,
        on=["experiment_id", "variation_index"],
        how="left",
        maintain_order="left",
    )
    problem = pl.col("goal_problem").max().over("experiment_id")
    is_told = pl.col("problem").is_null() & problem.is_not_null()
    return joined.with_columns(
        pl.col("metric").fill_null("conversion"),
        pl.col("metric_kind").fill_null("conversion"),
        pl.col("counted_units").fill_null(pl.col("units")),
        pl.coalesce("units_with", "conversions").alias("conversions"),
        pl.col("is_counted").fill_null(value=True),
        pl.coalesce("problem", problem).alias("problem"),
        (pl.col("is_active") & ~is_told).alias("is_active"),
    ).drop("units_with", "goal_problem")


def _by_conversions() -> list[pl.Expr]:
    """Return what the columns are where no goal but conversions is known."""
    return [
        *(pl.lit("conversion").alias(name) for name in ("metric", "metric_kind")),
        pl.col("units").alias("counted_units"),
        *(
            pl.lit(None, pl.Float64).alias(name)
            for name in ("figure", "log_figure", "log_variance")
        ),
        pl.lit(value=True).alias("is_counted"),
    ]
