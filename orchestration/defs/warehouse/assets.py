"""Each dbt model and seed as an asset, each of its tests as a check of that asset."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from orchestration.dbt import DbtError, NodeResult, ResidentDbt
from orchestration.resources import OWNERS
from orchestration.warehouse import WAREHOUSE_POOL, Warehouse

with warnings.catch_warnings():
    # It loads sqlglot, whose optional half warns that it has a successor.
    warnings.simplefilter("ignore", DeprecationWarning)
    from dagster_dbt import DagsterDbtTranslator, dbt_assets
    from dagster_dbt.asset_utils import DAGSTER_DBT_UNIQUE_ID_METADATA_KEY

MATERIALIZED = "code24/materialized"
"""Tags each model's asset: ``view``, ``table`` or ``incremental``."""
PACE = "code24/pace"
"""Tags what no round of the worker builds, only the loop: ``hourly``. Of a dbt model it
is the dbt tag of that name."""
HOURLY = {PACE: "hourly"}
Manifest = Mapping[str, Any]
Materialized = dg.MaterializeResult[None] | dg.AssetCheckResult


class Translator(DagsterDbtTranslator):
    """Names assets as the tables are: ``[schema, name]``, the schema as the group."""

    def get_asset_key(self, dbt_resource_props: Manifest) -> dg.AssetKey:
        """Return schema and name; for a source the same as the raw asset's."""
        if dbt_resource_props["resource_type"] == "source":
            return dg.AssetKey(
                [dbt_resource_props["source_name"], dbt_resource_props["name"]]
            )
        return dg.AssetKey([dbt_resource_props["schema"], dbt_resource_props["name"]])

    def get_group_name(self, dbt_resource_props: Manifest) -> str:
        """Return the schema."""
        return str(dbt_resource_props["schema"])

    def get_tags(self, dbt_resource_props: Manifest) -> Mapping[str, str]:
        """Return how the model is kept and how often built, for selections."""
        kept = str(dbt_resource_props["config"].get("materialized"))
        pace = HOURLY if HOURLY[PACE] in dbt_resource_props["tags"] else {}
        return {MATERIALIZED: kept, **pace}

    def get_owners(self, dbt_resource_props: Manifest) -> Sequence[str]:  # noqa: ARG002
        """Return the owners of every asset."""
        return OWNERS

    def get_description(self, dbt_resource_props: Manifest) -> str:
        """Return the model's own description, without its SQL."""
        return str(dbt_resource_props.get("description") or "")


def build_dbt_models(manifest: Manifest) -> dg.AssetsDefinition:
    """Return the one step that runs the dbt models, or those of them wanted."""
    translator = Translator()
    keys = {
        unique_id: translator.get_asset_key(node)
        for unique_id, node in manifest["nodes"].items()
        if node["resource_type"] in ("model", "seed")
    }

    @dbt_assets(
        manifest=manifest,
        dagster_dbt_translator=translator,
        name="dbt_models",
        pool=WAREHOUSE_POOL,
    )
    def dbt_models(
        context: dg.AssetExecutionContext,
        dbt: dg.ResourceParam[ResidentDbt],
        warehouse: dg.ResourceParam[Warehouse],
    ) -> Iterator[Materialized]:
        checks = _selected_checks(context)
        wanted = [key.path[-1] for key in context.selected_asset_keys]
        tests = [unique_id.split(".")[2] for unique_id in checks]
        chosen = (sorted(wanted), sorted(tests)) if context.is_subset else ()
        with warehouse.connect():
            results = dbt.build(*chosen)
        counts = warehouse.row_counts()
        for result in results:
            if result.unique_id in keys and result.status == "success":
                yield _materialized(keys[result.unique_id], result, counts)
            elif result.unique_id in checks and result.status != "skipped":
                yield _checked(checks[result.unique_id], result)
        require_success(results)

    return dbt_models


def require_success(results: Sequence[NodeResult]) -> None:
    """Pass unless a model or test failed.

    Raises:
        DbtError: names the first that failed, how many more did, and why it did.
    """
    failed = [result for result in results if result.is_failed]
    if failed:
        first, more = failed[0], len(failed) - 1
        name = first.unique_id.split(".")[2]
        others = f" (and {more} more failed)" if more else ""
        raise DbtError(f"dbt: {name}: {first.message}{others}")


def _selected_checks(context: dg.AssetExecutionContext) -> dict[str, dg.AssetCheckKey]:
    """Return the check of each dbt test that this run is to report."""
    return {
        spec.metadata[DAGSTER_DBT_UNIQUE_ID_METADATA_KEY]: spec.key
        for spec in context.assets_def.check_specs
        if spec.key in context.selected_asset_check_keys
    }


def _materialized(
    key: dg.AssetKey, result: NodeResult, counts: Mapping[tuple[str, str], int]
) -> dg.MaterializeResult[None]:
    schema, name = key.path
    count = counts.get((schema, name))
    metadata: dict[str, Any] = {"seconds": round(result.seconds, 3)}
    if count is not None:
        metadata["dagster/row_count"] = count
    return dg.MaterializeResult(asset_key=key, metadata=metadata)


def _checked(key: dg.AssetCheckKey, result: NodeResult) -> dg.AssetCheckResult:
    is_warning = result.status == "warn"
    return dg.AssetCheckResult(
        asset_key=key.asset_key,
        check_name=key.name,
        passed=result.status == "pass",
        severity=dg.AssetCheckSeverity.WARN
        if is_warning
        else dg.AssetCheckSeverity.ERROR,
        metadata={"wrong_rows": result.failures, "message": result.message},
    )
