"""From exposures to sufficient statistics, for studies that begin with rows.

The same rule as the warehouse's ``mart_experiment_stats`` has for events.
"""

import polars as pl

KEY = ("experiment_id", "site_id", "variation_index")


def count(exposures: pl.DataFrame) -> pl.DataFrame:
    """Count units and conversions of each variant, as the mart does.

    An exposure whose page is not that of the variant assigned is none: it says what a
    fault showed, not what the test did. A unit that is then left in several variants
    is left out of all of them, and counted as such.

    Args:
        exposures: one row per exposure: experiment_id, site_id, unit_id,
            variation_index (assigned), shown_index (seen), is_converted, at.

    Returns:
        Rows as ``marts.mart_experiment_stats``, metric ``conversion``.
    """
    valid = exposures.filter(pl.col("variation_index") == pl.col("shown_index"))
    units = valid.group_by("experiment_id", "site_id", "unit_id").agg(
        pl.col("variation_index").first(),
        (pl.col("variation_index").n_unique() > 1).alias("is_multiple"),
        pl.col("is_converted").cast(pl.Boolean).any(),
        pl.col("at").min(),
    )
    single = ~pl.col("is_multiple")
    stats = units.group_by(KEY).agg(
        single.sum().cast(pl.Int64).alias("units"),
        (single & pl.col("is_converted")).sum().cast(pl.Int64).alias("conversions"),
        pl.col("is_multiple").sum().cast(pl.Int64).alias("units_multiple"),
        pl.col("at").filter(single).min().alias("first_exposure_at"),
        pl.col("at").filter(single).max().alias("last_exposure_at"),
    )
    return stats.with_columns(
        pl.lit("conversion").alias("metric"),
        pl.format("v{}", "variation_index").alias("variant_id"),
        pl.col("units_multiple").sum().over("experiment_id"),
    ).sort(KEY)
