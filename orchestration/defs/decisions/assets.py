"""The decision log, written to shared state."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import dagster as dg
import polars as pl

from code24.contracts.decision import Decision
from code24.contracts.site_policy import SitePolicy
from code24.contracts.wire import digest
from code24.settings import Settings
from code24.state import (
    State,
    alarms,
    experiments,
    open_state,
    schedule,
    site_policies,
    slots,
    thresholds,
)
from models.experiments.guardrails import Crossed, of_goals, of_metrics
from models.experiments.policy import DEFAULT_POLICY, Policy, Verdict, decide
from orchestration import guardrails
from orchestration.defs.decisions.allocating import Read, shifts
from orchestration.defs.decisions.noting import note_analysed
from orchestration.defs.decisions.settling import settle
from orchestration.markdown import table_of
from orchestration.resources import OWNERS
from orchestration.warehouse import WAREHOUSE_POOL, Warehouse, rows


@dg.asset(
    key=["decisions", "decisions"],
    deps=[
        ["experiments", "analyses"],
        ["experiments", "metric_analyses"],
        ["marts", "mart_site_daily"],
        ["marts", "mart_goal_daily"],
        ["marts", "mart_channel_daily"],
        ["marts", "mart_bot_daily"],
    ],
    group_name="decisions",
    owners=OWNERS,
    kinds={"python", "sqlite"},
    metadata={"grain": "one row per decision; unchanged evidence adds none"},
    pool=WAREHOUSE_POOL,
)
def decisions(
    context: dg.AssetExecutionContext,
    settings: dg.ResourceParam[Settings],
    warehouse: dg.ResourceParam[Warehouse],
) -> dg.MaterializeResult[None]:
    """What is done about each running test: keep, shift, stop, ship or hold.

    Recorded in shared state together with what it changes there; evidence that was
    decided on before adds nothing. Where a site's policy asks for an operator's word,
    what visitors would see is proposed instead. It waits for the checks of every mart,
    also of those it does not read: where one is wrong, so may be what the others say.
    Then the collector is told how far each site was analysed, and counts from there.
    """
    with warehouse.connect() as connection:
        analyses = rows(connection, "from experiments.analyses")
        metrics = rows(connection, "from experiments.metric_analyses")
    taken, added = decide_all(settings, analyses, metrics, warehouse.read)
    with open_state(settings.database_url) as state:
        note_analysed(state, context.instance, now=datetime.now(UTC))
    return dg.MaterializeResult(metadata=_metadata(taken, added))


def decide_all(
    settings: Settings,
    analyses: pl.DataFrame,
    metrics: pl.DataFrame | None = None,
    read: Read | None = None,
) -> tuple[list[Decision], list[str]]:
    """Decide about every running test; return all decisions, and the new ones' ids.

    A new one may be a proposal: what its site's policy wants approved.
    """
    now = settings.clock()
    with open_state(settings.database_url) as state:
        tests = experiments.list_tests(state, status="running")
        ending = {test.test_id for test in tests if schedule.is_over(test, now)}
        crossed = _crossed(state, analyses, metrics)
        running = {test.test_id for test in tests}
        taken = [
            decision
            for policy, part in _by_policy(analyses, slots.costs(state))
            for decision in as_decisions(
                decide(part, policy, ending, crossed), policy, running, now
            )
        ]
        policies = site_policies.list_policies(state)
        added = _settle_all(state, taken, policies, ending)
        sound = analyses.filter(pl.col("problem").is_null())["experiment_id"]
        fine = (set(sound) & running) - set(crossed)
        guardrails.clear(settings, state, fine, now=now)
        if read is not None:
            open_still = {d.test_id for d in taken if d.kind == "keep"} - ending
            going_on = [test for test in tests if test.test_id in open_still]
            moved = shifts(state, going_on, analyses, read, now=now)
            taken += moved
            added += _settle_all(state, moved, policies, ending)
    return taken, added


def _by_policy(
    analyses: pl.DataFrame, costs: Mapping[str, float]
) -> Iterator[tuple[Policy, pl.DataFrame]]:
    """Yield each policy with its sites' analyses; a day costs what their slots do."""
    cost = pl.col("site_id").replace_strict(
        costs, default=DEFAULT_POLICY.cost_of_day, return_dtype=pl.Float64
    )
    parts = analyses.with_columns(cost.alias("cost")).partition_by(
        "cost", as_dict=True, include_key=False, maintain_order=True
    )
    for (cost_of_day,), part in parts.items():
        yield replace(DEFAULT_POLICY, cost_of_day=cost_of_day), part


def _settle_all(
    state: State,
    taken: Iterable[Decision],
    policies: Mapping[str, SitePolicy],
    ending: Collection[str],
) -> list[str]:
    """Record or propose each; return the ids of those that were new."""
    return [
        decision.decision_id
        for decision in taken
        if settle(
            state,
            decision,
            policies[decision.site_id],
            is_ending=decision.test_id in ending,
        )
    ]


def _crossed(
    state: State, analyses: pl.DataFrame, metrics: pl.DataFrame | None
) -> dict[str, Crossed]:
    """Return the guardrails that tests have crossed, the goal's before a metric's."""
    limits = thresholds.list_thresholds(state)
    tolerated = {t.site_id: t.value for t in limits if t.name == alarms.THRESHOLD}
    goals = of_goals(analyses, tolerated)
    return goals if metrics is None else {**of_metrics(metrics), **goals}


def as_decisions(
    verdicts: Sequence[Verdict],
    policy: Policy,
    running: Collection[str],
    now: datetime,
) -> list[Decision]:
    """Return the verdicts on running tests as entries of the decision log.

    A test that an operator has paused or ended is left to the operator.
    """
    return [
        _decision(verdict, policy, now)
        for verdict in verdicts
        if verdict.experiment_id in running
    ]


def _decision(verdict: Verdict, policy: Policy, now: datetime) -> Decision:
    settled = [verdict.experiment_id, verdict.kind, verdict.evidence, policy.as_dict()]
    evidence = {**verdict.evidence, "confidenceLevel": verdict.confidence}
    return Decision(
        decision_id=digest(settled)[:32],
        test_id=verdict.experiment_id,
        site_id=verdict.site_id,
        kind=verdict.kind,
        reason=verdict.reason,
        variant=verdict.variant_id,
        is_claimed=verdict.is_claimed,
        evidence=evidence,
        policy=policy.as_dict(),
        decided_at=now,
    )


def _metadata(
    taken: Sequence[Decision], added: Collection[str]
) -> dict[str, dg.MetadataValue]:
    table = pl.DataFrame(
        {
            "test": [d.test_id for d in taken],
            "decision": [d.kind for d in taken],
            "new": [d.decision_id in added for d in taken],
            "reason": [d.reason for d in taken],
        }
    )
    return {
        "dagster/row_count": dg.MetadataValue.int(len(taken)),
        "new": dg.MetadataValue.int(len(added)),
        "by_kind": dg.MetadataValue.json(dict(Counter(d.kind for d in taken))),
        "decisions": dg.MetadataValue.md(table_of(table)),
    }
