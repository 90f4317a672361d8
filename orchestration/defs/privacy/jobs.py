"""The nightly job that removes what is kept no longer."""

from datetime import UTC, datetime

import dagster as dg

from code24.settings import Settings
from code24.state import open_state
from code24.state.retention import retention_of
from orchestration.dbt import DbtError, ResidentDbt
from orchestration.defs.privacy.retention import apply
from orchestration.warehouse import WAREHOUSE_POOL


@dg.op(
    description="Removes events older than is kept, and builds the models anew.",
    pool=WAREHOUSE_POOL,
    required_resource_keys={"settings", "warehouse", "dbt"},
)
def remove_old_events(context: dg.OpExecutionContext) -> None:
    """Remove them from log, raw, warehouse and dead letters, in one turn.

    Raises:
        DbtError: a model failed; the next run of the loop builds it.
    """
    settings: Settings = context.resources.settings
    now = datetime.now(UTC)
    with open_state(settings.database_url) as state:
        retention = retention_of(state, settings.retention_days, now)
    counts = apply(settings, retention, is_dry=False)
    context.log.info("removed %s", counts)
    if counts.get("warehouse"):
        _build(context.resources.dbt)
    context.add_output_metadata(dict(counts))


def _build(dbt: ResidentDbt) -> None:
    failed = [result for result in dbt.build() if result.is_failed]
    if failed:
        raise DbtError(f"{failed[0].unique_id}: {failed[0].message}")


@dg.job(description="Removes events that are kept no longer, everywhere.")
def retention_job() -> None:
    """Remove old events."""
    remove_old_events()


retention_schedule = dg.ScheduleDefinition(
    name="retention_schedule",
    job=retention_job,
    cron_schedule="45 3 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every night; where nothing is old, it changes nothing.",
)
