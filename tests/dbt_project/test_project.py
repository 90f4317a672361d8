"""The dbt project as a whole: its rules, its unit tests, an empty warehouse."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.dbt_project.warehouse import Warehouse


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Return a warehouse that was built, with all tests, of no event at all."""
    warehouse = Warehouse(tmp_path_factory.mktemp("empty") / "home")
    warehouse.snapshot()
    warehouse.log("live", [])
    warehouse.dbt("build")
    return warehouse


@pytest.fixture(scope="module")
def manifest(empty: Warehouse) -> dict[str, Any]:
    path = empty.home / "dbt" / "manifest.json"
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def models(manifest: dict[str, Any]) -> Iterator[dict[str, Any]]:
    nodes = manifest["nodes"].values()
    return (node for node in nodes if node["resource_type"] == "model")


def test_a_warehouse_without_events_passes_all_tests(empty: Warehouse) -> None:
    assert empty.query("select count(*) from marts.mart_site_daily") == [(0,)]
    assert empty.query("select count(*) from staging.watermarks") == [(0,)]


def test_every_description_ends_with_the_grain(manifest: dict[str, Any]) -> None:
    described = [*models(manifest), *manifest["sources"].values()]

    without = [
        node["name"]
        for node in described
        if "one row per " not in node["description"].rstrip(".").rsplit(";", 1)[-1]
    ]
    assert not without


def test_every_model_has_a_tested_key(manifest: dict[str, Any]) -> None:
    keyed = {
        node["attached_node"]
        for node in manifest["nodes"].values()
        if node.get("test_metadata", {}).get("name") == "is_key"
    }

    assert {node["unique_id"] for node in models(manifest)} == keyed


def test_every_mart_has_an_enforced_contract(manifest: dict[str, Any]) -> None:
    marts = [node for node in models(manifest) if node["schema"] == "marts"]

    assert marts
    assert all(node["config"]["contract"]["enforced"] for node in marts)


def test_a_schema_is_its_folder(manifest: dict[str, Any]) -> None:
    wrong = [
        node["name"]
        for node in models(manifest)
        if Path(node["original_file_path"]).parts[1] != node["schema"]
    ]
    assert not wrong


def test_the_console_and_the_dispatcher_are_exposures(manifest: dict[str, Any]) -> None:
    names = {node["name"] for node in manifest["exposures"].values()}

    assert names == {"operator_console", "dispatcher"}
