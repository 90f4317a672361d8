"""An incremental build equals one from nothing, row by row, after every batch."""

from pathlib import Path

import pytest

from tests.dbt_project.traffic import EXPERIMENTS, SITES, VARIANTS, Traffic
from tests.dbt_project.warehouse import Warehouse


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    warehouse = Warehouse(tmp_path / "home")
    warehouse.snapshot(
        sites=[
            {"site_id": site, "host": f"{site}.example", "vertical": "news"}
            for site in SITES
        ],
        experiments=[
            {
                "experiment_id": experiment,
                "site_id": site,
                "test_type": "headline",
                "goal_type": "sales",
                "status": "running",
                "coverage": 1.0,
                "hash_version": 2,
                "start_at": None,
                "end_at": None,
                "winner_variant_id": None,
                "decision_id": None,
            }
            for site, experiment in EXPERIMENTS.items()
        ],
        variants=[
            {
                "experiment_id": experiment,
                "variation_index": index,
                "variant_id": variant,
                "name": variant,
            }
            for experiment in EXPERIMENTS.values()
            for index, variant in enumerate(VARIANTS)
        ],
    )
    return warehouse


@pytest.mark.parametrize("seed", [1, 2])
def test_increments_equal_a_full_refresh(
    warehouse: Warehouse, tmp_path: Path, seed: int
) -> None:
    traffic = Traffic(seed)
    for number in range(5):
        for partition, records in traffic.batch().items():
            warehouse.log(partition, records)
        warehouse.dbt("run")
        fresh = warehouse.twin(tmp_path / f"fresh{number}")
        fresh.dbt("run")
        assert warehouse.differences(fresh) == {}, f"batch {number}"
