"""What analysing very many tests costs, and how a peer does."""

import json
import subprocess
import sys
import time
from collections.abc import Callable

from cli.bench.figure import Bench, Figure, over_limit, over_peer
from cli.bench.many_tests import simulated
from code24.errors import Code24Error
from code24.settings import Settings
from models.experiments.analysis import analyze
from models.priors.mixture import FLAT_PRIOR

TESTS = 100_000
LIMIT_SECONDS = 10.0
LIMIT_MB = 2_000.0


def tests_100k(_settings: Settings, quick: bool) -> dict[str, Figure]:
    """Measure the analysis of 100,000 tests of two variants, in fresh processes."""
    found = [_analysed() for _ in range(1 if quick else 5)]
    return {
        "experiments.tests_100k_s": over_limit(
            [each["seconds"] for each in found], "s", LIMIT_SECONDS, "limit 10 s"
        ),
        "experiments.tests_100k_mb": over_limit(
            [each["mb"] for each in found], "MB", LIMIT_MB, "limit 2,000 MB"
        ),
    }


def _analysed() -> dict[str, float]:
    command = (sys.executable, "-m", "cli.bench.many_tests", str(TESTS))
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


TESTS_100K = Bench(
    ("experiments.tests_100k_s", "experiments.tests_100k_mb"), tests_100k
)

SIDE_BY_SIDE = 1_000


def speed_over_gbstats(_settings: Settings, quick: bool) -> dict[str, Figure]:
    """Measure 1,000 tests of two variants, ours and gbstats' turn by turn.

    Ours is the whole analysis, theirs the Bayesian test of a proportion; both have a
    flat prior, and both analyse the same counts once for warmth. A learned prior of
    sixteen scales takes ours two to three times as long.
    """
    peer = _gbstats()
    stats, weights = simulated(SIDE_BY_SIDE)
    pairs = stats["units"].to_list(), stats["conversions"].to_list()
    analyze(stats, weights, FLAT_PRIOR)
    peer(*pairs)
    ours, theirs = [], []
    for _ in range(1 if quick else 5):
        start = time.perf_counter()
        analyze(stats, weights, FLAT_PRIOR)
        middle = time.perf_counter()
        peer(*pairs)
        ours.append(SIDE_BY_SIDE / (middle - start))
        theirs.append(SIDE_BY_SIDE / (time.perf_counter() - middle))
    figure = over_peer(ours, theirs, "tests/s", "gbstats 0.8.0, a proportion")
    return {"experiments.speed_over_gbstats": figure}


def _gbstats() -> Callable[[list[int], list[int]], None]:
    """Return the peer's analysis, a dependency of development alone.

    Raises:
        Code24Error: it is not installed.
    """
    try:
        from gbstats.bayesian import tests  # noqa: PLC0415 - only this figure needs it
        from gbstats.models.statistics import ProportionStatistic  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise Code24Error(
            f"the peer of experiments.speed_over_gbstats is not installed ({error}); "
            "make setup installs it"
        ) from error

    def analyse(units: list[int], conversions: list[int]) -> None:
        config = tests.EffectBayesianConfig(difference_type="relative")
        counts = zip(units, conversions, strict=True)
        arms = [ProportionStatistic(n=n, sum=x) for n, x in counts]
        for control, variant in zip(arms[::2], arms[1::2], strict=True):
            tests.EffectBayesianABTest(control, variant, config).compute_result()

    return analyse


SPEED = Bench(("experiments.speed_over_gbstats",), speed_over_gbstats)
