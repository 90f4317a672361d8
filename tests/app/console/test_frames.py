"""The tables behind the pages say of the reports what is in them."""

from datetime import date
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


def test_channels_are_of_the_last_28_days_and_the_largest_first(
    reports: Reports,
) -> None:
    found = frames.channels(reports, "daily-news")
    assert found["channel"].to_list() == [
        "Organic Search",
        "Direct",
        "Organic Social",
        "Referral",
    ]
    assert found["sessions"].to_list() == [28 * n for n in (410, 260, 180, 50)]
    assert frames.channels(reports, "new-site").is_empty()


def test_robots_are_of_the_last_28_days_and_the_busiest_first(reports: Reports) -> None:
    found = frames.bots(reports, "daily-news")
    assert found["events"].to_list() == [1_204, 17]


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


def test_a_split_in_doubt_is_named(tmp_path: Path) -> None:
    path = sample.write(tmp_path) / "analyses.parquet"
    is_open = pl.col("experiment_id") == "headline-open"
    level = pl.when(is_open).then(pl.lit("warning")).otherwise("srm_level")
    pl.read_parquet(path).with_columns(srm_level=level).write_parquet(path)
    tests = frames.tests_list(_read(tmp_path))
    assert _row(tests, "experiment_id", "headline-open")["health"] == "Split in doubt"


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


def test_an_undone_decision_holds_no_more(tmp_path: Path) -> None:
    path = sample.write(tmp_path) / "decisions.parquet"
    log = pl.read_parquet(path)
    undoing = log.filter(pl.col("decision_id") == "d-headline-won").with_columns(
        decision_id=pl.lit("u-1"),
        kind=pl.lit("keep"),
        decided_at=pl.col("decided_at") + pl.duration(days=1),
        evidence=pl.lit('{"undoes": "d-headline-won"}'),
    )
    pl.concat([log, undoing]).write_parquet(path)
    reports = _read(tmp_path)
    history = frames.history(reports, "experiment_id", "headline-won")
    assert history["kind"].to_list() == ["undo", "ship", "keep"]
    tests = frames.tests_list(reports)
    assert _row(tests, "experiment_id", "headline-won")["decision"] == "undo"


def test_a_verification_names_the_test_and_the_share_held_out(tmp_path: Path) -> None:
    sample.write(tmp_path)
    sample.add_verification(tmp_path)
    reports = _read(tmp_path)
    tests = frames.tests_list(reports)
    (found,) = frames.verifications(tests, "headline-won").to_dicts()
    assert found["experiment_id"] == sample.VERIFICATION
    assert (found["verifies"], found["held_out"]) == ("headline-won", 0.05)
    assert tests["verifies"].null_count() == len(sample.PARTS)
    news = _row(frames.portfolio(reports), "site_id", "daily-news")
    assert (news["tests_running"], news["tests_all"]) == (3, 4)


def test_evidence_is_read_as_variants_are() -> None:
    arms = [{"variant_id": "v0"}, {"variant_id": "v1", "lift": 0.04, "units": 7}]
    evidence = {"prior_sd": 0.06, "variants": arms, "other": "kept elsewhere"}
    found = frames.proposed(evidence, {"v1": "Plain"}).to_dicts()
    assert [row["is_control"] for row in found] == [True, False]
    assert (found[1]["name"], found[1]["lift"], found[1]["units"]) == ("Plain", 0.04, 7)
    assert found[0]["name"] is None
    assert [row["prior_sd"] for row in found] == [0.06, 0.06]
    assert frames.proposed({}, {}).is_empty()


def test_days_of_a_site_are_dense_and_at_most_a_year(tmp_path: Path) -> None:
    path = sample.write(tmp_path) / "site_daily.parquet"
    daily = pl.read_parquet(path)
    old = daily.head(1).with_columns(date_day=pl.lit(date(2011, 1, 1)))
    pl.concat([daily, old]).write_parquet(path)
    days = frames.days(_read(tmp_path), "daily-news")
    assert days.height == frames.YEAR_DAYS
    assert days["date_day"].max() == sample.LAST_DAY
    assert days["visitors"].null_count() == 0


def test_thousands_of_sites_are_one_frame(tmp_path: Path) -> None:
    folder = tmp_path / "v-many"
    folder.mkdir()
    for name, frame in sample.many(2_000, 2).items():
        frame.write_parquet(folder / f"{name}.parquet")
    (tmp_path / "CURRENT").write_text("v-many")
    reports = _read(tmp_path)
    assert frames.portfolio(reports).height == 2_000
    assert frames.tests_list(reports).height == 4_000
