"""Changing shares: no bias by time, honest intervals, and the split seen by period."""

from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

from models.experiments import strata
from models.experiments.analysis import analyze
from models.priors.mixture import FLAT_PRIOR
from tests.models.experiments import frames

DAY = datetime.fromisoformat("2026-01-05T00:00:00")


def table(test: str, days: list[tuple[float, list[tuple[int, int]]]]) -> pl.DataFrame:
    """Return period rows: of each day the variant's share, and (units, conversions)."""
    return pl.DataFrame(
        [
            {
                "experiment_id": test,
                "from_at": DAY + timedelta(days=day),
                "variation_index": index,
                "site_id": "shop",
                "variant_id": f"v{index}",
                "until_at": DAY + timedelta(days=day + 1),
                "weight": share if index else 1.0 - share,
                "units": units,
                "conversions": conversions,
                "units_multiple": 0,
            }
            for day, (share, arms) in enumerate(days)
            for index, (units, conversions) in enumerate(arms)
        ]
    )


def pooled(*tests: pl.DataFrame) -> strata.Pooled:
    rows = pl.concat(tests)
    names = rows["experiment_id"].unique(maintain_order=True)
    stats = frames.stats({name: [(1, 0), (1, 0)] for name in names})
    return strata.pool(rows, stats)


def lift(rows: strata.Pooled) -> pl.DataFrame:
    found = analyze(rows.stats, rows.weights, FLAT_PRIOR)
    return found.filter(~pl.col("is_control")).sort("experiment_id")


def test_a_good_day_with_many_visitors_is_no_gain() -> None:
    """Both arms have 5% on Monday and 15% on Tuesday; pooled, the variant has +74%."""
    days = [
        (0.1, [(9_000, 450), (1_000, 50)]),
        (0.9, [(1_000, 150), (9_000, 1_350)]),
    ]
    found = lift(pooled(table("t", days)))
    assert found["raw_lift"][0] == pytest.approx(0.0, abs=1e-3)


def test_equal_periods_of_equal_shares_are_the_plain_counts() -> None:
    days = [(0.5, [(4_000, 200), (4_000, 220)])] * 3
    both = pooled(table("t", days))
    assert both.stats["units"].to_list() == pytest.approx([12_000] * 2, rel=0.005)
    assert both.seen["units"].to_list() == [12_000, 12_000]
    assert both.seen["conversions"].to_list() == [600, 660]


def test_intervals_hold_what_they_say_under_shares_that_follow_the_data() -> None:
    """A greedy rule moves shares by what it saw; seasons move both arms' rates."""
    rng = np.random.default_rng(11)
    tests, true = 600, 0.1
    share = np.full(tests, 0.5)
    won = np.zeros((2, tests))
    rows = []
    for day in range(6):
        season = 0.05 * (1 + day / 3)
        to_variant = rng.binomial(2_000, share)
        units = np.array([2_000 - to_variant, to_variant])
        rate = np.array([[season], [season * (1 + true)]])
        reached = rng.binomial(units, rate)
        rows.append((share, units, reached))
        won += reached / np.maximum(units, 1)
        share = np.where(won[1] > won[0], 0.8, 0.2)
    parts = [
        table(
            f"t{test:04}",
            [
                (
                    float(part[test]),
                    [
                        (int(units[arm, test]), int(reached[arm, test]))
                        for arm in range(2)
                    ],
                )
                for part, units, reached in rows
            ],
        )
        for test in range(tests)
    ]
    found = lift(pooled(*parts))
    is_held = found["lift_low"].le(true) & found["lift_high"].ge(true)
    assert is_held.mean() == pytest.approx(0.9, abs=0.04)
    assert found["raw_lift"].to_numpy().mean() == pytest.approx(true, abs=0.01)


def test_the_split_is_judged_within_periods() -> None:
    fine = [(0.1, [(9_000, 1), (1_000, 1)]), (0.9, [(1_000, 1), (9_000, 1)])]
    odd = [(0.1, [(9_500, 1), (500, 1)]), (0.9, [(1_000, 1), (9_000, 1)])]
    both = pooled(table("fine", fine), table("odd", odd))
    p = dict(both.seen.select("experiment_id", "srm_p").unique().iter_rows())
    assert p["fine"] == pytest.approx(1.0)
    assert p["odd"] < 1e-6
    told = strata.as_seen(analyze(both.stats, both.weights), both, 0.01)
    assert dict(told.select("experiment_id", "is_srm").unique().iter_rows()) == {
        "fine": False,
        "odd": True,
    }
    assert told["units"].to_list() == [10_000, 10_000, 10_500, 9_500]
    assert told["problem"].is_null().all()


def test_a_period_without_an_arm_compares_nothing() -> None:
    days = [(0.0, [(5_000, 2_500), (0, 0)]), (0.5, [(4_000, 200), (4_000, 240)])]
    both = pooled(table("t", days))
    assert both.seen["units"].to_list() == [4_000, 4_000]
    assert lift(both)["raw_lift"][0] == pytest.approx(0.2, abs=2e-3)


def test_old_periods_fade() -> None:
    days = [(0.5, [(4_000, 400), (4_000, 200)]), (0.5, [(4_000, 200), (4_000, 400)])]
    stats = frames.stats({"t": [(1, 0), (1, 0)]})
    faded = strata.pool(
        table("t", days), stats, half_life_days=0.1, now=DAY + timedelta(days=2)
    )
    assert lift(faded)["raw_lift"][0] == pytest.approx(1.0, abs=0.01)


def test_only_shares_that_change_while_it_is_seen_make_a_changed_test() -> None:
    stats = frames.stats({name: [(1, 0), (1, 0)] for name in ("a", "b", "c")})
    early, late = frames.DEFINED, frames.START + timedelta(days=1)
    rows = [
        ("a", early, 0, 0.5), ("a", early, 1, 0.5), ("a", late, 0, 0.2),
        ("a", late, 1, 0.8), ("b", early, 0, 0.5), ("b", early, 1, 0.5),
        ("b", early + timedelta(hours=1), 0, 0.2),
        ("b", early + timedelta(hours=1), 1, 0.8), ("c", early, 0, 0.5),
        ("c", early, 1, 0.5), ("c", late, 0, 0.5), ("c", late, 1, 0.5),
    ]  # fmt: skip
    names = ("experiment_id", "from_at", "variation_index", "weight")
    weights = pl.DataFrame(rows, schema=names, orient="row")
    assert strata.changed_tests(weights, stats) == ["a"]
