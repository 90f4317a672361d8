"""Every kind of job, and what it materialises.

A new one is a file here, a line below, and its name in ``code24.contracts.message``.
"""

from collections.abc import Mapping

from code24.contracts.message import JobKind
from orchestration.kinds.analysis import ANALYSIS
from orchestration.kinds.forecast import FORECAST
from orchestration.kinds.kind import Kind
from orchestration.kinds.priors import PRIORS
from orchestration.kinds.release import RELEASE

__all__ = ["KINDS", "Kind", "job_names"]

KINDS: Mapping[JobKind, Kind] = {
    kind.name: kind for kind in (ANALYSIS, PRIORS, RELEASE, FORECAST)
}


def job_names() -> set[str]:
    """Return the names of the Dagster jobs of all kinds."""
    return {
        job.name
        for kind in KINDS.values()
        for job in (kind.job, kind.fast_job, kind.fast_metrics_job)
        if job is not None
    }
