"""How long the main job takes: on a fresh home, and again."""

import os
import subprocess
import sys
import time

from cli.bench.figure import Bench, Figure, over_limit
from cli.bench.served import temporary_home
from code24.settings import Settings

RUN_LIMIT_S = 600.0
RERUN_LIMIT_S = 120.0


def run_twice(settings: Settings, quick: bool) -> dict[str, Figure]:
    """Measure ``code24 run`` with the sample data, fresh and again."""
    first: list[float] = []
    again: list[float] = []
    for _ in range(1 if quick else 3):
        with temporary_home(settings) as home:
            first.append(_run_seconds(home))
            again.append(_run_seconds(home))
    return {
        "loop.run_s": over_limit(first, "s", RUN_LIMIT_S, "limit 10 minutes"),
        "loop.rerun_s": over_limit(again, "s", RERUN_LIMIT_S, "limit 2 minutes"),
    }


def _run_seconds(home: Settings) -> float:
    start = time.perf_counter()
    subprocess.run(
        (sys.executable, "-m", "cli", "run", "--sample", "yes"),
        env={**os.environ, **home.environment()},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - start


RUN = Bench(("loop.run_s", "loop.rerun_s"), run_twice)
