"""kill -9 at random, again and again: every event is in the warehouse once."""

import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest

from cli.importers import run_import
from cli.importers.transfer import BATCH
from code24.settings import Settings
from code24.state import imports, open_state
from orchestration.defs.raw.assets import snapshot
from orchestration.defs.raw.drain import drain
from tests.cli.importers import samples
from tests.cli.importers.test_transfer import records, shop
from tests.dbt_project.warehouse import Warehouse

__all__ = ["shop"]

ROWS = 6 * BATCH
IMPORT = """
import sys
from pathlib import Path
from cli.importers import run_import
from code24.settings import load
run_import(load(), Path(sys.argv[1]), site="shop")
"""


@pytest.mark.parametrize("name", ["native.jsonl", "access.log.gz"])
def test_an_import_killed_at_random_ends_with_each_event_once(
    shop: Settings, tmp_path: Path, name: str
) -> None:
    path = samples.written(tmp_path, name, ROWS)
    random = Random(name)  # noqa: S311 - no secret
    for kill in range(3):
        _killed_after(shop, path, kill * BATCH + 1, random.random() / 10)

    run_import(shop, path, site="shop")

    assert run_import(shop, path, site="shop").is_repeated
    found = {record.event.id for record in records(shop)}
    assert len(found) == ROWS
    drain(shop.log, shop.raw)
    snapshot(shop)
    warehouse = Warehouse(shop.home)
    warehouse.dbt("run", "--select", "stg_events")
    counted = "select count(*), count(distinct event_id) from staging.stg_events"
    assert warehouse.query(counted) == [(ROWS, ROWS)]


def _killed_after(settings: Settings, path: Path, rows: int, seconds: float) -> None:
    """Start an import and kill it a moment after so many rows are in the ledger."""
    process = subprocess.Popen(
        [sys.executable, "-c", IMPORT, str(path)], env=settings.environment()
    )
    while process.poll() is None and _rows_done(settings) < rows:
        time.sleep(0.01)
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.wait()


def _rows_done(settings: Settings) -> int:
    with open_state(settings.database_url) as state:
        return sum(row.rows_done for row in imports.list_imports(state))
