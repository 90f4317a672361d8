from datetime import datetime, timedelta

import polars as pl

from orchestration.defs.priors.assets import EFFECT_PRIORS, learn_priors

DAY = datetime(2026, 3, 1)  # noqa: DTZ001 - the warehouse keeps UTC without a zone


def past(tests: int) -> pl.DataFrame:
    """Return finished tests, one a day until the day before ``DAY``; half lost."""
    return pl.DataFrame(
        [
            {
                "site_id": "shop",
                "experiment_id": f"past-{number}",
                "variation_index": index,
                "units": 4_000,
                "conversions": 400 + index * 5 * number * (-1) ** number,
                "ended_at": DAY - timedelta(days=number + 1),
            }
            for number in range(tests)
            for index in (0, 1)
        ]
    )


def begun(**starts: datetime) -> pl.DataFrame:
    """Return tests of one site that began at these moments."""
    return pl.DataFrame(
        {
            "experiment_id": list(starts),
            "site_id": "shop",
            "vertical": "fashion",
            "goal_type": "sales",
            "test_type": "price",
            "started_at": list(starts.values()),
        },
        schema_overrides={"started_at": pl.Datetime("us")},
    )


def test_each_test_has_the_prior_of_its_start_and_one_row_is_for_now() -> None:
    starts = {"early": DAY - timedelta(days=10), "late": DAY + timedelta(hours=5)}

    table = learn_priors(past(20), begun(**starts))

    assert dict(table.schema) == EFFECT_PRIORS
    learned = dict(table.select("experiment_id", "prior_tests").iter_rows())
    assert learned == {None: 20, "early": 10, "late": 20}
    before = dict(table.select("experiment_id", "prior_before").iter_rows())
    assert before == {None: None, "early": starts["early"], "late": DAY}


def test_a_test_gets_the_prior_of_its_own_kind() -> None:
    both = pl.concat(
        [
            past(20).with_columns(test_type=pl.lit("price")),
            past(20).with_columns(
                pl.lit("layout").alias("test_type"),
                pl.lit("blog").alias("site_id"),
                pl.lit(400).cast(pl.Int64).alias("conversions"),
            ),
        ]
    ).with_columns(goal_type=pl.lit("sales"), vertical=pl.lit("fashion"))

    table = learn_priors(both, begun(mine=DAY))

    mine = table.filter(pl.col("experiment_id") == "mine").row(0, named=True)
    assert mine["prior_group"] == "price"
    spread = dict(table.select("prior_group", "prior_sd").iter_rows())
    assert spread["layout"] < spread["all"] < spread["price"]
    assert table["prior_group"][0] == "all"


def test_without_past_tests_there_is_the_default_alone() -> None:
    table = learn_priors(past(1).clear(), begun())
    assert table["experiment_id"].to_list() == [None]
    assert table["prior_tests"].to_list() == [0]


def test_a_site_that_keeps_apart_informs_itself_alone() -> None:
    other = past(20).with_columns(site_id=pl.lit("private"))
    tests = pl.concat(
        [begun(mine=DAY), begun(theirs=DAY).with_columns(site_id=pl.lit("private"))]
    )
    table = learn_priors(pl.concat([past(12), other]), tests, ["private"])
    learned = dict(table.select("experiment_id", "prior_tests").iter_rows())
    assert (learned[None], learned["mine"], learned["theirs"]) == (12, 12, 32)
