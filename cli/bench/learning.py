"""What the learned prior promises of its winners, on real tests."""

import io
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


HEADLINE_RATIO = Bench(("learning.headline_ratio_10",), headline_ratio)
