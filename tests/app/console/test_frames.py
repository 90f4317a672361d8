"""The tables behind the pages say of the reports what is in them."""

from pathlib import Path

import polars as pl
import pytest

from app.console import frames, reading
from app.console.reading import Reports
from tests.app.console import sample


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Reports:
    return _read(sample.write(tmp_path_factory.mktemp("reports")).parent)


def _read(folder: Path) -> Reports:
    return reading.read(reading.pointer(folder))


def _row(frame: pl.DataFrame, column: str, value: str) -> dict[str, object]:
    return frame.row(by_predicate=pl.col(column) == value, named=True)


def test_the_portfolio_has_every_site_once(reports: Reports) -> None:
    sites = frames.portfolio(reports)
    assert sites["site_id"].to_list() == ["corner-shop", "daily-news", "new-site"]


def test_a_site_s_totals_are_those_of_its_last_28_days(reports: Reports) -> None:
    daily = reports.site_daily.filter(pl.col("site_id") == "daily-news")
    last = daily.sort("date_day").tail(28)
    site = _row(frames.portfolio(reports), "site_id", "daily-news")
    assert site["visitors"] == last["visitors"].sum()
    assert site["visitors_trend"] == last["visitors"].to_list()
    assert site["last_day"] == sample.LAST_DAY


def test_days_without_events_count_as_nought_in_a_trend(tmp_path: Path) -> None:
    path = sample.write(tmp_path) / "site_daily.parquet"
    gap = pl.col("date_day") == sample.LAST_DAY - pl.duration(days=3)
    pl.read_parquet(path).filter(~gap).write_parquet(path)
    site = _row(frames.portfolio(_read(tmp_path)), "site_id", "daily-news")
    trend = site["visitors_trend"]
    assert isinstance(trend, list)
    assert len(trend) == 28
    assert trend[-4] == 0


def test_a_new_site_has_no_figures_and_its_goal(reports: Reports) -> None:
    site = _row(frames.portfolio(reports), "site_id", "new-site")
    assert (site["goal"], site["visitors"], site["tests_running"]) == ("leads", None, 0)


def test_a_site_without_named_goals_has_the_one_it_reaches_most(tmp_path: Path) -> None:
    path = sample.write(tmp_path) / "sites.parquet"
    pl.read_parquet(path).drop("goals").write_parquet(path)
    sites = frames.portfolio(_read(tmp_path))
    assert _row(sites, "site_id", "corner-shop")["goal"] == "sales"


def test_the_leader_is_the_variant_most_likely_best(reports: Reports) -> None:
    test = _row(frames.tests_list(reports), "experiment_id", "headline-won")
    assert (test["leader"], test["variants"], test["units"]) == ("v1", 3, 30_000)
    assert (test["decision"], test["is_claimed"]) == ("ship", True)


def test_tests_that_need_a_look_stand_first(reports: Reports) -> None:
    tests = frames.tests_list(reports)
    assert tests["experiment_id"].to_list()[:2] == ["headline-split", "layout-new"]
    assert tests["health"].to_list()[:3] == ["Split is off", "No visitors yet", ""]


def test_a_split_worth_watching_is_named(tmp_path: Path) -> None:
    path = sample.write(tmp_path) / "analyses.parquet"
    doubtful = pl.when(pl.col("experiment_id") == "headline-open").then(0.005)
    frame = pl.read_parquet(path).with_columns(
        doubtful.otherwise("srm_p").alias("srm_p")
    )
    frame.write_parquet(path)
    tests = frames.tests_list(_read(tmp_path))
    assert _row(tests, "experiment_id", "headline-open")["health"] == "Watch the split"


def test_variants_have_shares_that_add_up(reports: Reports) -> None:
    variants = frames.variants(reports, "headline-split")
    assert variants["share"].sum() == pytest.approx(1.0)
    assert variants["is_control"].to_list() == [True, False]
    assert variants["rate"].to_list() == pytest.approx([0.05, 260 / 4_200])


def test_a_test_without_visitors_keeps_its_variants(reports: Reports) -> None:
    variants = frames.variants(reports, "layout-new")
    assert variants["variant_id"].to_list() == ["v0", "v1"]
    assert variants["units"].null_count() == 2


def test_history_is_of_one_test_and_newest_first(reports: Reports) -> None:
    decisions = frames.history(reports, "experiment_id", "headline-won")
    assert decisions["kind"].to_list() == ["ship", "keep"]


def test_thousands_of_sites_are_one_frame(tmp_path: Path) -> None:
    folder = tmp_path / "v-many"
    folder.mkdir()
    for name, frame in sample.many(2_000, 2).items():
        frame.write_parquet(folder / f"{name}.parquet")
    (tmp_path / "CURRENT").write_text("v-many")
    reports = _read(tmp_path)
    assert frames.portfolio(reports).height == 2_000
    assert frames.tests_list(reports).height == 4_000
