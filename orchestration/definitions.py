"""All that Dagster knows: assets, checks, jobs, schedules, sensors, resources."""

import dagster as dg

from code24.settings import Settings, load
from orchestration import automation, second_path
from orchestration.defs.decisions.assets import decisions
from orchestration.defs.experiments.assets import analyses
from orchestration.defs.experiments.forecasts import forecasts
from orchestration.defs.experiments.in_depth import in_depth
from orchestration.defs.priors.assets import effect_priors
from orchestration.defs.privacy.jobs import retention_job, retention_schedule
from orchestration.defs.raw.assets import raw_tables
from orchestration.defs.raw.checks import raw_events_expectations
from orchestration.defs.release.assets import manifest
from orchestration.defs.reports.assets import console
from orchestration.defs.warehouse.assets import build_dbt_models
from orchestration.defs.warehouse.checks import mart_checks
from orchestration.executor import marking_executor
from orchestration.kinds import KINDS
from orchestration.resources import resources


@dg.definitions
def definitions() -> dg.Definitions:
    """Return the definitions for the settings of this process."""
    return build_definitions(load())


def build_definitions(settings: Settings) -> dg.Definitions:
    """Return the definitions for these settings."""
    provided = resources(settings)
    return dg.Definitions(
        assets=[
            raw_tables,
            build_dbt_models(provided["dbt"].manifest()),
            effect_priors,
            analyses,
            in_depth,
            decisions,
            forecasts,
            manifest,
            console,
        ],
        asset_checks=[raw_events_expectations, *mart_checks],
        jobs=[
            automation.loop_job,
            automation.purge_history_job,
            second_path.overdue_jobs_job,
            *(kind.job for kind in KINDS.values()),
            *(kind.fast_job for kind in KINDS.values() if kind.fast_job is not None),
            *(k.fast_metrics_job for k in KINDS.values() if k.fast_metrics_job),
            retention_job,
        ],
        schedules=[
            automation.loop_schedule,
            automation.purge_history_schedule,
            second_path.request_analyses_schedule,
            retention_schedule,
        ],
        sensors=[
            automation.event_log_sensor,
            automation.run_failure_sensor,
            second_path.overdue_jobs_sensor,
        ],
        resources=provided,
        executor=marking_executor,
    )
