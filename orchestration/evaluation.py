"""What a rule of allocation would do now, and would have brought, before it is set."""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
import numpy as np
import polars as pl

from code24.contracts.allocation import Allocation
from code24.contracts.experiment import Experiment
from code24.contracts.forecast import Estimate, Foreseen
from code24.errors import Code24Error
from code24.settings import Settings
from models.experiments import off_policy
from orchestration.defs.decisions.allocating import Read, foreseen
from orchestration.planning import read_when_free


def foresee(settings: Settings, test: Experiment, rule: Allocation) -> Foreseen:
    """Return what a rule would do now, judged by what was logged so far.

    Raises:
        Code24Error: the test has not been analysed yet, or the warehouse cannot be
            read.
    """

    def read(query: str) -> pl.DataFrame:
        return read_when_free(settings, query)

    is_its = pl.col("experiment_id") == test.test_id
    arms = read("from experiments.analyses").filter(is_its).sort("variation_index")
    if arms.is_empty():
        raise Code24Error(
            f"test {test.test_id!r}: is not analysed yet, so nothing can be foreseen: "
            "code24 run"
        )
    weights, coverage = foreseen(test, rule, arms.to_dicts(), read, datetime.now(UTC))
    try:
        log = _log(read, test, arms)
        before = _estimate(log, test.traffic_split)
        is_moved = tuple(weights) != test.traffic_split
        after = _estimate(log, weights) if is_moved else None
    except off_policy.OffPolicyError as error:
        told = Foreseen(weights=tuple(weights), coverage=coverage)
        return msgspec.structs.replace(told, refusal=str(error))
    return Foreseen(
        weights=tuple(weights), coverage=coverage, before=before, after=after
    )


def _estimate(log: off_policy.Log, weights: Sequence[float]) -> Estimate:
    found = off_policy.evaluate(log, np.array(weights))
    return Estimate(
        value=found.value, low=found.low, high=found.high, effective=found.effective
    )


def _log(read: Read, test: Experiment, arms: pl.DataFrame) -> off_policy.Log:
    """Return what was shown, period by period, with the shares planned then."""
    is_its = pl.col("experiment_id") == test.test_id
    found = read("from marts.mart_experiment_period_stats").filter(is_its)
    if found.is_empty():
        found = arms.with_columns(pl.lit(0).alias("from_at"))
    found = found.sort("from_at", "variation_index")
    shape = (-1, len(test.variants))
    units, reached, weight = (
        found[name].cast(pl.Float64).to_numpy().reshape(shape)
        for name in ("units", "conversions", "weight")
    )
    is_seen = units.sum(axis=1) > 0
    return off_policy.of_counts(units[is_seen], reached[is_seen], weight[is_seen])
