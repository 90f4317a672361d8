"""The table of the metrics beside a test's goal."""

from pathlib import Path

import polars as pl

from app.console import metrics
from app.console.reading import pointer, read
from tests.app.console import sample


def test_guardrails_stand_first_and_shares_are_percentages(tmp_path: Path) -> None:
    sample.write(tmp_path)
    found = read(pointer(tmp_path))
    table = metrics.as_table(metrics.of_test(found, "headline-won"))
    first, *_, last = table.iter_rows(named=True)
    assert (first["role"], first["figure"]) == ("Guardrail", "8.25%")
    assert (last["role"], last["figure"]) == ("Secondary", "1.481")
    assert first["range"] == "Control"
    assert first["lift"] is None
    assert last["lift"] == 20.0
    assert metrics.of_test(found, "price-lost").is_empty()


def test_a_problem_is_told_once_and_its_metric_left_out(tmp_path: Path) -> None:
    folder = sample.write(tmp_path)
    frame = pl.read_parquet(folder / "metrics.parquet")
    is_revenue = pl.col("metric_id") == "revenue"
    said = "test 'headline-won', metric 'revenue': wrong"
    problem = pl.when(is_revenue).then(pl.lit(said)).alias("problem")
    frame.with_columns(problem).write_parquet(folder / "metrics.parquet")
    found = read(pointer(tmp_path))
    assert metrics.problems(found, "headline-won") == [said]
    shown = metrics.of_test(found, "headline-won")
    assert shown["metric_id"].unique().to_list() == ["came-back"]
