"""The analysis of tests whose shares changed stands beside that of all others."""

from datetime import timedelta

import polars as pl

from models.experiments.metrics.figures import METRIC_COLUMNS
from orchestration.defs.experiments.assets import Inputs, analyse
from orchestration.defs.priors.assets import EFFECT_PRIORS
from tests.models.experiments import frames

NO_PRIORS = pl.DataFrame(schema=EFFECT_PRIORS)
LATER = frames.START + timedelta(days=1)
COUNTS = {
    "moved": [(10_000, 600), (10_000, 1_400)],
    "fixed": [(10_000, 600), (10_000, 640)],
}
GREW = {
    (frames.DEFINED, 0): (0.9, 9_000, 450),
    (frames.DEFINED, 1): (0.1, 1_000, 50),
    (LATER, 0): (0.1, 1_000, 150),
    (LATER, 1): (0.9, 9_000, 1_350),
}


def test_changed_shares_are_compared_by_period_and_others_as_ever() -> None:
    stats = frames.stats(COUNTS)
    fixed = frames.weights(stats).filter(experiment_id="fixed")
    moved = pl.DataFrame(
        [
            {
                "experiment_id": "moved",
                "variation_index": index,
                "from_at": from_at,
                "weight": weight,
            }
            for (from_at, index), (weight, _, _) in GREW.items()
        ]
    )
    weights = pl.concat([fixed, moved.select(fixed.columns)], how="vertical_relaxed")
    periods = pl.DataFrame(
        [
            {
                "experiment_id": "moved",
                "from_at": from_at,
                "variation_index": index,
                "site_id": "shop",
                "variant_id": f"v{index}",
                "until_at": LATER if from_at < LATER else None,
                "weight": weight,
                "units": units,
                "conversions": conversions,
                "units_multiple": 0,
            }
            for (from_at, index), (weight, units, conversions) in GREW.items()
        ]
    )
    none = pl.DataFrame()
    metrics = pl.DataFrame(schema=dict.fromkeys(METRIC_COLUMNS, pl.String))
    inputs = Inputs(stats, weights, NO_PRIORS, metrics, none, none)
    plain = analyse(inputs).analyses
    told = analyse(inputs._replace(periods=periods)).analyses
    is_moved = pl.col("experiment_id") == "moved"
    assert told.columns == plain.columns
    assert told.filter(~is_moved).equals(plain.filter(~is_moved))
    assert plain.filter(is_moved)["problem"][0] is not None
    found = told.filter(is_moved)
    assert found["problem"].is_null().all()
    assert not found["is_srm"].any()
    assert found["units"].to_list() == [10_000, 10_000]
    assert abs(found["raw_lift"][1]) < 0.002
    assert abs(found["lift"][1]) < 0.01
