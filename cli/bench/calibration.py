"""How often automatic decisions are right in simulated programmes, worst case first."""

import math
from collections.abc import Callable, Sequence

from cli.bench.figure import Bench, Figure, over_peer
from code24.settings import Settings
from models.simulate.calibration import Result, Scale, study
from models.simulate.worlds import WORLDS

SEED = 20_261_124
FULL = Scale(tests=20_000, chunks=20, past=(20, 100, 1_000))
QUICK = Scale(tests=1_000, chunks=2, past=(100, 1_000))
PEER = "flat chance to win > 95%"
TINY = "f"
"""The world of tiny effects alone, where hardly anything can be gained or learned."""


def calibration(_settings: Settings, quick: bool) -> dict[str, Figure]:
    """Run every world once and keep the worst of each figure, beside a flat rule's."""
    scale = QUICK if quick else FULL
    results = [result for world in WORLDS for result in study(world, scale, SEED)]
    ours = [each for each in results if each.rule.startswith("learned")]
    rival = [each for each in results if each.rule == PEER]
    most = f"learned from {max(scale.past):,}"
    well = [each for each in ours if each.rule == most and each.world != TINY]
    of_rival = [each for each in rival if each.world != TINY]
    told = {
        "false_claims_peeking": _pair(ours, rival, lambda r: r.claimed_equal, max),
        "fdr_worst": _pair(ours, rival, lambda r: r.false_claims, max),
        "claimed_over_true": _pair(well, of_rival, _claimed, _farthest),
        "coverage90": _pair(well, of_rival, lambda r: r.coverage, min),
        "value_over_optimal": _pair(
            [each for each in ours if each.world != TINY],
            of_rival,
            lambda r: r.value_over_best,
            min,
        ),
    }
    return {f"calibration.{name}": figure for name, figure in told.items()}


def _pair(
    ours: Sequence[Result],
    rival: Sequence[Result],
    read: Callable[[Result], float],
    worst: Callable[[Sequence[float]], float],
) -> Figure:
    """Return the worst of our figures against the worst of the rival's."""
    values, peers = (
        worst([v for v in map(read, some) if not math.isnan(v)])
        for some in (ours, rival)
    )
    return over_peer([values], [peers], "ratio, worst world", PEER)


def _claimed(result: Result) -> float:
    return result.claimed_over_true


def _farthest(values: Sequence[float]) -> float:
    """Return the value that is farthest from 1 as a factor; losses count as most."""
    return max(values, key=lambda v: abs(math.log(v)) if v > 0 else math.inf)


CALIBRATION = Bench(
    (
        "calibration.false_claims_peeking",
        "calibration.fdr_worst",
        "calibration.claimed_over_true",
        "calibration.coverage90",
        "calibration.value_over_optimal",
    ),
    calibration,
)
