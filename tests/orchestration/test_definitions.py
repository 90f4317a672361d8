import subprocess
import sys
from itertools import pairwise

import dagster as dg
import pytest

from code24.settings import TELEMETRY_OFF, Settings
from orchestration.definitions import build_definitions
from orchestration.kinds.analysis import IN_DEPTH
from orchestration.warehouse import WAREHOUSE_POOL
from tests.orchestration.conftest import Finished

GROUPS = {
    "raw",
    "staging",
    "intermediate",
    "marts",
    "priors",
    "experiments",
    "decisions",
    "release",
    "reports",
}
IMPORT = """
import sys
import orchestration.definitions
print([name for name in ("great_expectations", "dbt.cli") if name in sys.modules])
"""


@pytest.fixture(scope="module")
def definitions(finished: Finished) -> dg.Definitions:
    return build_definitions(finished.settings)


@pytest.fixture(scope="module")
def specs(definitions: dg.Definitions) -> list[dg.AssetSpec]:
    return list(definitions.resolve_all_asset_specs())


def test_every_asset_says_what_it_is_and_whose(specs: list[dg.AssetSpec]) -> None:
    for spec in specs:
        assert spec.description, spec.key
        assert list(spec.owners) == ["team:code24"], spec.key
        assert spec.kinds, spec.key
        assert spec.metadata, spec.key


def test_the_schema_of_a_table_is_its_group(specs: list[dg.AssetSpec]) -> None:
    assert {spec.group_name for spec in specs} == GROUPS
    for spec in specs:
        assert spec.key.path[0] == spec.group_name
        assert len(spec.key.path) == 2


def test_the_way_of_a_value_reads_in_the_lineage(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    way = ["raw/events", "staging/stg_events", "marts/mart_experiment_stats"]
    way += ["experiments/analyses", "decisions/decisions", "release/manifest"]
    keys = [dg.AssetKey.from_user_string(name) for name in [*way, "reports/console"]]
    for upstream, downstream in pairwise(keys):
        assert upstream in graph.get_ancestor_asset_keys(downstream)
    assert {key.path[0] for key in graph.root_materializable_asset_keys} == {"raw"}


def test_whatever_has_expectations_holds_decisions_and_release(
    definitions: dg.Definitions,
) -> None:
    graph = definitions.resolve_asset_graph()
    checked = {
        key.asset_key for key in graph.asset_check_keys if "_expectations" in key.name
    }
    assert len(checked) == 7
    for held in (["decisions", "decisions"], ["release", "manifest"]):
        assert checked <= graph.get_ancestor_asset_keys(dg.AssetKey(held))


def test_each_step_that_opens_the_warehouse_is_in_its_pool(
    definitions: dg.Definitions,
) -> None:
    job = definitions.resolve_job_def("loop_job")
    unpooled = {
        node.name for node in job.nodes if node.definition.pools != {WAREHOUSE_POOL}
    }
    assert unpooled == {"release__manifest"}


def test_the_fast_way_leaves_expectations_and_what_looks_deeper_to_the_loop(
    definitions: dg.Definitions,
) -> None:
    loop, fast = (
        {node.name for node in definitions.resolve_job_def(name).nodes}
        for name in ("loop_job", "analysis_job")
    )
    later = loop - fast - {"in_depth", "experiments__forecasts"}
    assert all("expectations" in name for name in later)
    assert len(later) == 7
    assert fast < loop
    graph = definitions.resolve_asset_graph()
    hourly = graph.materializable_asset_keys & IN_DEPTH.resolve(graph)
    assert dg.AssetKey(["marts", "mart_segment_stats"]) in hourly
    for name in ("analysis_job", "fast_analysis_job", "fast_metrics_analysis_job"):
        built = definitions.resolve_job_def(name).asset_layer.selected_asset_keys
        assert built
        assert not built & hourly


def test_importing_is_free_of_warnings_and_of_slow_libraries(
    settings: Settings,
) -> None:
    environment = {**settings.environment(), **TELEMETRY_OFF, "PATH": ""}
    child = subprocess.run(
        [sys.executable, "-W", "error", "-c", IMPORT],
        check=False,
        capture_output=True,
        text=True,
        env=environment,
    )
    assert child.stderr == ""
    assert child.stdout == "[]\n"
