from pathlib import Path

import polars as pl
import pytest

from orchestration.warehouse import Warehouse, WarehouseError, one_line

PATH = Path("w.duckdb")


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(tmp_path / "warehouse" / "code24.duckdb")


def test_a_table_is_replaced_whole_and_read_back(warehouse: Warehouse) -> None:
    warehouse.replace("experiments", "analyses", pl.DataFrame({"a": [1, 2]}))
    frame = pl.DataFrame({"a": [3], "b": ["x"]})
    warehouse.replace("experiments", "analyses", frame)
    assert warehouse.read("from experiments.analyses").equals(frame)
    assert warehouse.row_counts() == {("experiments", "analyses"): 1}


def test_a_failed_statement_is_one_line(warehouse: Warehouse) -> None:
    with pytest.raises(WarehouseError, match="Table with name absent does not exist"):
        warehouse.read("from absent")


def test_a_file_that_is_no_database_says_the_way_out(warehouse: Warehouse) -> None:
    warehouse.path.parent.mkdir()
    warehouse.path.write_bytes(b"x" * 5_000)
    with pytest.raises(WarehouseError, match="is damaged: delete it and run again"):
        warehouse.read("select 1")


def test_a_lock_names_its_holder() -> None:
    message = (
        'IO Error: Could not set lock on file "w": Conflicting lock is held in '
        "/usr/bin/python3.11 (PID 42). See also the documentation"
    )
    assert one_line(PATH, message) == (
        "warehouse w.duckdb is held by another process (PID 42, "
        "/usr/bin/python3.11): close it there, or wait, and run again"
    )


def test_damage_says_where_and_the_way_out() -> None:
    assert one_line(PATH, "Corrupt database file: checksum\n1 is wrong") == (
        "warehouse w.duckdb is damaged: delete it and run again to build it anew "
        "from the raw files (Corrupt database file: checksum 1 is wrong)"
    )


def test_a_warehouse_of_other_models_says_the_way_out() -> None:
    message = (
        "Compilation Error in model fct (models/fct.sql)\n  The source and target "
        "schemas on this incremental model are out of sync!"
    )
    line = one_line(PATH, message)
    assert line.startswith("warehouse w.duckdb was built by another version of its")
    assert "Compilation Error in model fct" in line


def test_anything_else_is_told_as_it_is_in_one_line() -> None:
    assert one_line(PATH, "Binder Error:\n  no such column") == (
        "Binder Error: no such column"
    )
