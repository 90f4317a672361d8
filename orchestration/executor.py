"""How a launched run does its steps: in its own process, whose name it bears."""

from collections.abc import Iterator

import dagster as dg
from dagster._core.execution.context.system import PlanOrchestrationContext
from dagster._core.execution.plan.plan import ExecutionPlan
from dagster._core.execution.retries import RetryMode
from dagster._core.executor.in_process import InProcessExecutor

from orchestration.instance import process_tags


class _MarkingExecutor(InProcessExecutor):
    """Marks the run with its process before anything else is done for it.

    A run waits for its turn on the warehouse while its resources are made, before its
    first step. Were the first step to mark it, one that is killed while it waits would
    be under way for ever, and the sensors ask for no other while one is.
    """

    def execute(
        self, plan_context: PlanOrchestrationContext, execution_plan: ExecutionPlan
    ) -> Iterator[dg.DagsterEvent]:
        run_id = plan_context.dagster_run.run_id
        plan_context.instance.add_run_tags(run_id, process_tags())
        yield from super().execute(plan_context, execution_plan)


@dg.executor(name="in_process")
def marking_executor(_context: dg.InitExecutorContext) -> InProcessExecutor:
    """Do all steps in the run's own process; another would import dbt anew."""
    return _MarkingExecutor(retries=RetryMode.DISABLED)
