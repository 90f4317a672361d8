"""What the learned prior promises of its winners, on real tests."""

import io
import os
import runpy
from contextlib import chdir, redirect_stdout

from cli.bench.figure import Bench, Figure, over_peer
from code24.settings import PROJECT_ROOT, Settings

STUDY = "notebooks/headline_tests.py"


def headline_ratio(_settings: Settings, _quick: bool) -> dict[str, Figure]:
    """Take the promised over the held-out lift at 10% of impressions from the study."""
    with chdir(PROJECT_ROOT), redirect_stdout(io.StringIO()):
        study = runpy.run_path(STUDY)
    learned, flat = (study["ratio"][name][0] for name in ("learned", "flat"))
    figure = over_peer([learned], [flat], "promised / held-out lift", "a flat prior")
    return {"learning.headline_ratio_10": figure}


TRANSFER_STUDY = "notebooks/headline_transfer.py"
REPEATS = "CODE24_STUDY_REPEATS"


def transfer(_settings: Settings, quick: bool) -> dict[str, Figure]:
    """Take from the study what words of earlier headlines bring to later tests."""
    os.environ.setdefault(REPEATS, "2" if quick else "20")
    with chdir(PROJECT_ROOT), redirect_stdout(io.StringIO()):
        study = runpy.run_path(TRANSFER_STUDY)
    rows = {row["seen"]: row for row in study["picks"].iter_rows(named=True)}
    bandit = {name: each[600] for name, each in study["gains"].items()}
    flat = bandit["flat, sharpened"]
    told = {
        "transfer_gain_0": (rows["0%"]["transfer"], rows["0%"]["flat"]),
        "transfer_gain_5": (rows["5%"]["transfer"], rows["5%"]["flat"]),
        "placebo_gain": (rows["0%"]["placebo"], rows["0%"]["flat"]),
        "replay_gain_600": (bandit["transfer, sharpened"], flat),
    }
    return {f"learning.{name}": _gain(*pair) for name, pair in told.items()}


def _gain(ours: float, flat: float) -> Figure:
    """Return a gain in points: near 0 a ratio of lifts says nothing."""
    return Figure(
        value=ours - flat,
        unit="percentage points of lift",
        against="a flat prior, on the same impressions",
        ratio=ours / flat if flat > 0 else 0.0,
        runs=1,
    )


TRANSFER = Bench(
    (
        "learning.transfer_gain_0",
        "learning.transfer_gain_5",
        "learning.placebo_gain",
        "learning.replay_gain_600",
    ),
    transfer,
)
HEADLINE_RATIO = Bench(("learning.headline_ratio_10",), headline_ratio)
