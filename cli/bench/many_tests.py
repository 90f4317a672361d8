"""Analyses simulated tests in a process of its own: ``… many_tests COUNT``.

Prints the seconds of the analysis and the most memory the process held, as JSON.
"""

import json
import resource
import sys
import time
from datetime import datetime

import numpy as np
import polars as pl

from models.experiments.analysis import analyze

START = datetime(2026, 1, 1)  # noqa: DTZ001 - the warehouse's times are naive UTC
RATE = 0.05
EFFECT_SD = 0.08
LARGEST_ARM = 20_000


def simulated(tests: int, seed: int = 20260101) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return statistics and planned weights of that many tests of two variants."""
    rng = np.random.default_rng(seed)
    units = rng.integers(2_000, LARGEST_ARM, tests).repeat(2)
    effect = np.stack([np.zeros(tests), rng.normal(0, EFFECT_SD, tests)], axis=1)
    conversions = rng.binomial(units, np.minimum(RATE * np.exp(effect.ravel()), 1.0))
    names = [f"t{number}" for number in range(tests)]
    index = np.tile([0, 1], tests)
    stats = pl.DataFrame(
        {
            "experiment_id": np.repeat(names, 2),
            "site_id": "simulated",
            "variation_index": index,
            "variant_id": np.tile(["a", "b"], tests),
            "units": units,
            "conversions": conversions,
            "units_multiple": 0,
            "metric": "conversion",
            "goal_type": "traffic",
            "test_type": "headline",
            "first_exposure_at": START,
            "last_exposure_at": START,
        }
    )
    weights = stats.select(
        "experiment_id",
        "variation_index",
        pl.lit(START).alias("from_at"),
        pl.lit(0.5).alias("weight"),
    )
    return stats, weights


def main() -> None:
    """Analyse once for warmth with few, then once with all."""
    analyze(*simulated(100))
    stats, weights = simulated(int(sys.argv[1]))
    start = time.perf_counter()
    analyses = analyze(stats, weights)
    seconds = time.perf_counter() - start
    if analyses["effect"].null_count() or analyses.height != stats.height:
        raise SystemExit("not every test was analysed")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps({"seconds": seconds, "mb": peak}))


if __name__ == "__main__":
    main()
