from datetime import datetime, timedelta

import polars as pl

from orchestration.defs.priors.assets import NORMAL_PRIORS, learn_priors

DAY = datetime(2026, 3, 1)  # noqa: DTZ001 - the warehouse keeps UTC without a zone


def past(tests: int) -> pl.DataFrame:
    """Return finished tests, one a day up to the day before ``DAY``."""
    return pl.DataFrame(
        [
            {
                "site_id": "shop",
                "experiment_id": f"past-{number}",
                "variation_index": index,
                "units": 4_000,
                "conversions": 400 + index * 5 * number,
                "ended_at": DAY - timedelta(days=number + 1),
            }
            for number in range(tests)
            for index in (0, 1)
        ]
    )


def test_each_test_has_the_prior_of_its_start_and_one_row_is_for_now() -> None:
    starts = {"early": DAY - timedelta(days=10), "late": DAY + timedelta(hours=5)}

    table = learn_priors(past(20), starts)

    assert dict(table.schema) == NORMAL_PRIORS
    learned = dict(table.select("experiment_id", "prior_tests").iter_rows())
    assert learned == {None: 20, "early": 10, "late": 20}
    before = dict(table.select("experiment_id", "prior_before").iter_rows())
    assert before == {None: None, "early": starts["early"], "late": DAY}


def test_without_past_tests_there_is_the_default_alone() -> None:
    table = learn_priors(past(1).clear(), {})
    assert table["experiment_id"].to_list() == [None]
    assert table["prior_tests"].to_list() == [0]
