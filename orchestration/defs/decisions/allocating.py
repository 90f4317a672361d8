"""Sharing out the visitors of running tests anew, by the rule that each has."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import polars as pl

from code24.contracts.allocation import Allocation
from code24.contracts.decision import Decision
from code24.contracts.experiment import Experiment
from code24.contracts.wire import digest
from code24.state import State, allocations
from code24.state import decisions as log
from models.experiments import allocation, strata
from models.experiments.analysis import analyze
from models.experiments.wording import percent
from models.priors.mixture import from_row

Read = Callable[[str], pl.DataFrame]
LEAST_PERIOD = timedelta(hours=20)
"""Shares change once a day at most: a period shorter than a day compares hours. Less
than 24 hours, so that the time of the day does not wander."""


def shifts(
    state: State,
    tests: Sequence[Experiment],
    analyses: pl.DataFrame,
    read: Read,
    *,
    now: datetime,
) -> list[Decision]:
    """Return the decisions to shift that are due.

    Args:
        state: The shared state.
        tests: Those that run, are sound and go on.
        analyses: Rows of ``experiments.analyses``.
        read: Reads the warehouse; asked only where a bandit is due.
        now: When.
    """
    rules = allocations.list_allocations(state)
    ruled = [(test, rules[test.test_id]) for test in tests if test.test_id in rules]
    found = [
        _shift(test, rule, _arms(analyses, test), read, now)
        for test, rule in ruled
        if _is_due(state, test, now)
    ]
    return [decision for decision in found if decision is not None]


def _is_due(state: State, test: Experiment, now: datetime) -> bool:
    moved = [
        decision.decided_at
        for decision in log.list_decisions(state, test.test_id)
        if decision.kind == "shift"
    ]
    last = max([*moved, test.start_date or now])
    return now - last >= LEAST_PERIOD


def _arms(analyses: pl.DataFrame, test: Experiment) -> list[dict[str, Any]]:
    own = analyses.filter(pl.col("experiment_id") == test.test_id)
    return own.sort("variation_index").to_dicts()


def _shift(
    test: Experiment,
    rule: Allocation,
    arms: list[dict[str, Any]],
    read: Read,
    now: datetime,
) -> Decision | None:
    if not arms:
        return None
    weights, coverage = foreseen(test, rule, arms, read, now)
    if coverage != test.coverage:
        reason = f"Roll-out: {percent(coverage)} of visitors take part from now on."
        return _decision(test, rule, reason, {log.COVERAGE: coverage}, now)
    if tuple(weights) == test.traffic_split:
        return None
    parts = ", ".join(
        f"{variant.variant_id} {percent(share)}"
        for variant, share in zip(test.variants, weights, strict=True)
    )
    reason = f"Bandit: visitors are shared out anew by what was learned: {parts}."
    return _decision(test, rule, reason, {log.WEIGHTS: weights}, now)


def foreseen(
    test: Experiment,
    rule: Allocation,
    arms: list[dict[str, Any]],
    read: Read,
    now: datetime,
) -> tuple[list[float], float]:
    """Return the shares and the coverage that a rule would set now.

    Args:
        test: As it stands.
        rule: Its rule, or one that is thought of.
        arms: Its rows of ``experiments.analyses``, the control first.
        read: Reads the warehouse; asked for a bandit alone.
        now: When.
    """
    shares, coverage = list(test.traffic_split), test.coverage
    if rule.kind == "rollout":
        return shares, allocation.next_coverage(coverage, arms, rule) or coverage
    if rule.kind == "fixed":
        return shares, coverage
    faded = _planned(_faded(test, rule, arms, read, now), test)
    return allocation.bandit(faded, rule) or shares, coverage


def _planned(arms: list[dict[str, Any]], test: Experiment) -> list[dict[str, Any]]:
    """Return the arms with the shares that hold now."""
    pairs = zip(arms, test.traffic_split, strict=True)
    return [{**arm, "weight": share} for arm, share in pairs]


def _faded(
    test: Experiment,
    rule: Allocation,
    arms: list[dict[str, Any]],
    read: Read,
    now: datetime,
) -> list[dict[str, Any]]:
    """Return the analysis of a test whose older periods count less.

    A test of one period has nothing that could fade.
    """
    is_its = pl.col("experiment_id") == test.test_id
    periods = read("from marts.mart_experiment_period_stats").filter(is_its)
    if periods.is_empty():
        return arms
    stats = read("from marts.mart_experiment_stats").filter(is_its)
    moment = now.replace(tzinfo=None)
    pooled = strata.pool(periods, stats, half_life_days=rule.half_life_days, now=moment)
    if pooled.seen.is_empty():
        return arms
    found = analyze(pooled.stats, pooled.weights, from_row(arms[0]))
    return found.sort("variation_index").to_dicts()


def _decision(
    test: Experiment,
    rule: Allocation,
    reason: str,
    effect: Mapping[str, Any],
    now: datetime,
) -> Decision:
    named = [test.test_id, rule, effect, now.date().isoformat()]
    return Decision(
        decision_id=digest(named)[:32],
        test_id=test.test_id,
        site_id=test.site_id,
        kind="shift",
        reason=reason,
        variant=None,
        is_claimed=False,
        evidence={**effect, "before": list(test.traffic_split)},
        policy={"allocation": rule.kind, "floor": rule.floor},
        decided_at=now,
    )
