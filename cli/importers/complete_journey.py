"""Baskets of the Complete Journey sample as sales."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cli.importers import parquet
from cli.importers.importer import (
    BadRow,
    EventRow,
    ImportItem,
    Request,
    required_site,
)

COLUMNS: Mapping[str, type | None] = {
    "basket_id": int,
    "household": str,
    "bought_at": datetime,
    "store_id": int,
    "lines": int,
    "sales_value": float,
    "coupon_discount": float,
    "departments": None,
}


class CompleteJourney:
    """One conversion a basket; the household is the visitor."""

    name = "complete-journey"
    about = "Baskets of Complete Journey's households (Parquet) as sales"
    options: Mapping[str, str] = {}

    def sniff(self, path: Path) -> bool:
        """Say whether this is a Parquet file of baskets."""
        return parquet.has_columns(path, COLUMNS)

    def read(self, path: Path, request: Request) -> Iterator[ImportItem]:
        """Yield one conversion a basket, in the file's order."""
        site_id = required_site(request, path)
        frame = parquet.read(path, COLUMNS)
        request.meter.total, request.meter.unit = frame.height, "rows"
        for number, row in enumerate(frame.iter_rows(named=True), start=1):
            request.meter.done = number
            yield _item(site_id, row, f"{path.name}:{number}")


def _item(site_id: str, row: dict[str, Any], source: str) -> ImportItem:
    empty = [name for name, value in row.items() if value is None]
    if empty:
        return BadRow(f"invalid: {', '.join(empty)} is empty", source, str(row))
    return EventRow(_event(site_id, row), source)


def _event(site_id: str, row: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": f"basket-{row['basket_id']}",
        "siteId": site_id,
        "eventType": "conversion",
        "goalType": "sales",
        "conversionValue": row["sales_value"],
        "visitorId": row["household"],
        "timestamp": row["bought_at"].replace(tzinfo=UTC).isoformat(),
        "metadata": {
            "currency": "USD",
            "storeId": row["store_id"],
            "lines": row["lines"],
            "couponDiscount": row["coupon_discount"],
            "departments": row["departments"],
        },
    }


IMPORTER = CompleteJourney()
