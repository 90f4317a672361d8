"""Finished tests that a site brings along, as counts per variant."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from cli.importers import tables
from cli.importers.importer import (
    BadRow,
    ImportItem,
    Request,
    required_site,
)
from code24.contracts.experiment import PastExperiment

COLUMNS = (
    "experiment_id",
    "variant_id",
    "units",
    "conversions",
    "test_type",
    "goal_type",
    "ended_at",
)


class PastExperiments:
    """A row a variant; a test with a bad row is left out as a whole."""

    name = "past-experiments"
    about = "Counts of finished tests (CSV, a row a variant); they inform the priors"
    options: Mapping[str, str] = {}

    def sniff(self, path: Path) -> bool:
        """Say whether this is a CSV file with these columns."""
        return path.suffix == ".csv" and set(COLUMNS) <= set(tables.header(path))

    def read(self, path: Path, request: Request) -> Iterator[ImportItem]:
        """Yield one past experiment a test; ``site_id`` may be a column."""
        tests: dict[tuple[str, str], list[tables.Row]] = {}
        for row in tables.read(path, COLUMNS, request.meter):
            if not row.fields.get("experiment_id"):
                yield row.bad(row.problem or "invalid: experiment_id is empty")
                continue
            site_id = row.fields.get("site_id") or required_site(request, path)
            key = site_id, row.fields["experiment_id"]
            tests.setdefault(key, []).append(row)
        for (site_id, _), rows in tests.items():
            yield _item(site_id, rows, path)


def _item(site_id: str, rows: list[tables.Row], path: Path) -> ImportItem:
    row = rows[0]
    try:
        for row in rows:
            tables.check_row(row)
            _variant(row.fields)
        return _past(site_id, rows[0].fields, [row.fields for row in rows], path)
    except (ValueError, TypeError) as error:
        body = json.dumps([row.fields for row in rows], default=str)
        return BadRow(f"invalid: {error}", row.source, body)


def _past(
    site_id: str, first: dict[str, Any], rows: list[dict[str, Any]], path: Path
) -> PastExperiment:
    document = {
        "siteId": site_id,
        "experimentId": first["experiment_id"],
        "testType": first["test_type"],
        "goalType": first["goal_type"],
        "endedAt": _time(first["ended_at"]),
        "source": path.name,
        "variants": [_variant(row) for row in rows],
    }
    return msgspec.convert(document, PastExperiment)


def _variant(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "variantId": row["variant_id"],
        "units": int(row["units"]),
        "conversions": int(row["conversions"]),
    }


def _time(text: str) -> datetime:
    """Read a date or time; without a zone it is UTC."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


IMPORTER = PastExperiments()
