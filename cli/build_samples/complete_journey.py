"""The grocer's sample: a year of baskets of some households."""

from hashlib import sha256
from pathlib import Path

import polars as pl

from cli.build_samples import parquet

HOUSEHOLDS = 200
SALT = "code24 complete-journey"
"""Chooses the households and names them; another salt is another sample."""
SCHEMA = pl.Schema(
    {
        "basket_id": pl.Int64(),
        "household": pl.String(),
        "bought_at": pl.Datetime("ms"),
        "store_id": pl.Int32(),
        "lines": pl.Int16(),
        "sales_value": pl.Float64(),
        "coupon_discount": pl.Float64(),
        "departments": pl.List(pl.String()),
    }
)
"""One row a basket; money in dollars; ``departments`` in the order of the alphabet."""


def build(source: Path, target: Path) -> None:
    """Write the chosen households' baskets to ``baskets.parquet``."""
    lines = pl.read_parquet(source / "completejourney_transactions.parquet")
    products = pl.read_parquet(source / "completejourney_products.parquet")
    chosen = choose(lines["household_id"].unique().to_list())
    names = pl.DataFrame(
        {"household_id": chosen, "household": [opaque(number) for number in chosen]}
    )
    frame = (
        lines.join(names, on="household_id")
        .join(products.select("product_id", "department"), on="product_id", how="left")
        .group_by("basket_id")
        .agg(
            pl.col("household").first(),
            pl.col("transaction_timestamp").min().alias("bought_at"),
            pl.col("store_id").first(),
            pl.len().alias("lines"),
            _dollars("sales_value").alias("sales_value"),
            _dollars("coupon_disc").alias("coupon_discount"),
            pl.col("department").drop_nulls().unique().sort().alias("departments"),
        )
        .sort("bought_at", "basket_id")
    )
    parquet.write(frame, SCHEMA, target / "baskets.parquet")


def choose(households: list[int]) -> list[int]:
    """Return ``HOUSEHOLDS`` of them: a choice that any machine makes alike."""
    return sorted(households, key=lambda number: _digest(f"choose {number}"))[
        :HOUSEHOLDS
    ]


def opaque(household: int) -> str:
    """Return the name that stands for a household in the sample."""
    return f"household-{_digest(f'name {household}')[:12]}"


def _digest(text: str) -> str:
    return sha256(f"{SALT} {text}".encode()).hexdigest()


def _dollars(column: str) -> pl.Expr:
    """Sum in whole cents, so that the order of the lines cannot change the sum."""
    return (pl.col(column) * 100).round().cast(pl.Int64).sum() / 100
