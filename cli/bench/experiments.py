"""What analysing very many tests costs."""

import json
import subprocess
import sys

from cli.bench.figure import Bench, Figure, over_limit
from code24.settings import Settings

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
