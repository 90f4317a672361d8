"""What a rule of allocation would do now, and would have brought, before it is set."""

from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
import polars as pl

from code24.contracts.allocation import Allocation
from code24.contracts.experiment import Experiment
from code24.errors import Code24Error
from code24.settings import Settings
from models.experiments import off_policy
from models.experiments.off_policy import Estimate
from orchestration.defs.decisions.allocating import Read, foreseen
from orchestration.planning import read_when_free


class Foreseen(NamedTuple):
    """What a rule would do to a test's shares now, and what that would have brought."""

    weights: list[float]
    """Of the arms, once the rule has moved; as they are where it would not."""
    coverage: float
    before: Estimate | None
    """Conversions a visitor under the shares that hold."""
    after: Estimate | None
    """The same under the new ones, on the same visitors; none where they stay."""
    refusal: str | None
    """Why there is no estimate."""


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
        before = off_policy.evaluate(log, np.array(test.traffic_split))
        is_moved = tuple(weights) != test.traffic_split
        after = off_policy.evaluate(log, np.array(weights)) if is_moved else None
    except off_policy.OffPolicyError as error:
        return Foreseen(weights, coverage, None, None, str(error))
    return Foreseen(weights, coverage, before, after, None)


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
