"""What a kind of job is to the orchestration."""

from dataclasses import dataclass

from dagster._core.definitions.unresolved_asset_job_definition import (
    UnresolvedAssetJobDefinition,
)

from code24.contracts.message import JobKind


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of job: one run of ``job`` does all that are due, of every site."""

    name: JobKind
    """``optimization_jobs.job_type``."""
    job: UnresolvedAssetJobDefinition
    """What it materialises."""
    fast_job: UnresolvedAssetJobDefinition | None = None
    """What is enough for a process in which ``job`` has gone through: views stand by
    then, and what is not read for the decision can wait for the loop."""
    fast_metrics_job: UnresolvedAssetJobDefinition | None = None
    """The same where a running test declares metrics, whose statistics take longer."""
