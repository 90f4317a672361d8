"""A fault in one metric is told, and the others go on."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from models.experiments.counts import AnalysisInputError
from models.experiments.metrics.comparing import compare
from models.experiments.metrics.figures import figures
from tests.models.experiments.metrics.units import (
    STATS,
    arm,
    bins,
    metric,
    metrics,
    sums,
)

PAIR = (arm(np.arange(100)), arm(np.arange(100) + 1))


def problems(rows: list[dict[str, Any]], **fields: Any) -> dict[str, str | None]:
    declared = metrics(metric("good"), metric("bad", "revenue", **fields))
    table = figures(
        declared,
        STATS,
        pl.DataFrame([*sums(PAIR, "good"), *rows], strict=False),
        bins(),
    )
    told = compare(table)
    assert set(told["experiment_id"]) == {"good", "bad"}
    return dict(told.group_by("experiment_id").agg(pl.col("problem").max()).iter_rows())


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"units": -5}, "units of variant 'v0' is -5, but cannot be negative"),
        ({"units": float("nan")}, "units of variant 'v0' is missing or not a number"),
        ({"value_sum": None}, "value_sum of variant 'v0' is missing or not a number"),
        ({"value_sum": float("inf")}, "value_sum of variant 'v0' is missing or not"),
        ({"value_sum": -300}, "value_sum of variant 'v0' is -300: variants are compa"),
        ({"value_sum": 0, "value_sum_sq": 0}, "value_sum of variant 'v0' is 0: varia"),
        ({"value_sum_sq": -1}, "value_sum_sq of variant 'v0' is -1, but cannot be n"),
        ({"value_sum_sq": 1e40}, "value_sum_sq of variant 'v0' is 1e+40, beyond any"),
        ({"units": 1e13}, "beyond any real one"),
        ({"units_with": 101}, "units_with of variant 'v0' is 101, more than its 100"),
        ({"units": 0, "units_with": 0}, "units of variant 'v0' is 0: nobody counts"),
    ],
)
def test_the_sentence_names_test_metric_and_field(
    fields: dict[str, Any], said: str
) -> None:
    first, second = sums(PAIR, "bad", "revenue")
    told = problems([{**first, **fields}, second])
    assert told["good"] is None
    assert str(told["bad"]).startswith("test 'bad', metric 'revenue': ")
    assert said in str(told["bad"])


def test_one_variant_twice_or_alone_or_without_control() -> None:
    first, second = sums(PAIR, "bad", "revenue")
    assert "stands twice" in str(problems([first, second, second])["bad"])
    assert "one variant" in str(problems([first])["bad"])
    lost = [{**second, "variation_index": 2}, second]
    assert "control, is missing" in str(problems(lost)["bad"])


def test_a_metric_without_statistics_says_how_to_get_them() -> None:
    assert "code24 run" in str(problems([])["bad"])


def test_a_ratio_to_nothing_is_told() -> None:
    assert "nothing to compare" in str(
        problems(sums(PAIR, "bad", "revenue"), kind="ratio")["bad"]
    )


def test_a_table_without_a_column_is_refused() -> None:
    with pytest.raises(AnalysisInputError, match="metrics: column kind is missing"):
        figures(metrics(metric()).drop("kind"), STATS, STATS, bins())


def test_plain_revenue_is_read_from_the_statistics_of_every_test() -> None:
    stats = pl.DataFrame(
        [
            {
                "experiment_id": "t",
                "metric": name,
                "variation_index": index,
                "variant_id": f"v{index}",
                "units": 1_000,
                "conversions": 100,
                "value_sum": total,
                "value_sum_sq": total**2 / 50,
            }
            for name in ("value", "conversion")
            for index, total in enumerate((50_000.0, 60_000.0))
        ]
    )
    empty = pl.DataFrame(sums(PAIR)).clear()
    declared = metrics(metric("t", "revenue", is_plain=True, measure="value"))
    table = figures(declared, stats, empty, bins())
    assert table["figure"].to_list() == [0.5, 0.6]  # 50 and 60 cents
    assert table["units_with"].to_list() == [100.0, 100.0]
