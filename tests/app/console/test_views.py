"""Every view on reports as they are, absent, damaged and renewed."""

import os

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from code24.settings import Settings
from tests.app.console import sample
from tests.app.console.conftest import Open, figures, said

VIEWS = ("portfolio", "tests", "test", "decisions", "site", "health")


@pytest.fixture
def published(home: Settings) -> Settings:
    sample.write(home.reports)
    return home


def rows(app: AppTest, column: str) -> list[object]:
    """Return one column of the first table of a page."""
    values: list[object] = app.dataframe[0].value[column].tolist()
    return values


@pytest.mark.parametrize("view", VIEWS)
def test_without_reports_each_view_says_what_to_do(visit: Open, view: str) -> None:
    assert "No reports yet. Run `make run`" in said(visit(view)).replace("**", "")


@pytest.mark.parametrize("view", VIEWS)
def test_damaged_reports_are_told_and_the_last_good_ones_shown(
    published: Settings, visit: Open, view: str
) -> None:
    broken = sample.write(published.reports, "v-b2") / "tests.parquet"
    broken.write_bytes(b"PAR1")
    words = said(visit(view, id="headline-won"))
    assert "You see the last good reports" in words
    assert "v-b2/tests.parquet: cannot be read" in words


def test_without_a_good_version_the_file_is_named(
    published: Settings, visit: Open
) -> None:
    (published.reports / "v-a1" / "sites.parquet").unlink()
    app = visit("portfolio")
    assert "sites.parquet: the file is absent" in said(app)
    assert not app.dataframe


def test_the_portfolio_shows_every_site(published: Settings, visit: Open) -> None:  # noqa: ARG001
    app = visit("portfolio")
    assert rows(app, "site_id") == ["corner-shop", "daily-news", "new-site"]
    assert rows(app, "goal") == ["Sales", "Traffic", "Leads"]
    assert rows(app, "last_decision")[0] == "Stopped, 20 Mar 2015"
    assert figures(app)["Tests running"] == "3"


def test_the_portfolio_is_filtered_by_its_address(
    published: Settings,  # noqa: ARG001
    visit: Open,
) -> None:
    assert rows(visit("portfolio", vertical="news"), "site_id") == ["daily-news"]
    assert rows(visit("portfolio", find_site="SHOP"), "site_id") == ["corner-shop"]
    nothing = visit("portfolio", find_site="nowhere")
    assert "No site matches this filter" in said(nothing)


def test_the_tests_show_interval_decision_and_health(
    published: Settings,  # noqa: ARG001
    visit: Open,
) -> None:
    app = visit("tests")
    shown = dict(zip(rows(app, "experiment_id"), rows(app, "picture"), strict=True))
    assert str(shown["headline-won"]).startswith("data:image/svg+xml")
    assert shown["layout-new"] is None
    assert app.dataframe[0].value["health"].str.join("").tolist()[:2] == [
        "Split is off",
        "No visitors yet",
    ]
    assert figures(app) == {
        "Tests": "5",
        "Running": "3",
        "Shipped": "1",
        "Verifying": "0",
        "Need a look": "2",
    }


@pytest.mark.parametrize(
    ("address", "tests"),
    [
        ({"site": "corner-shop"}, ["price-lost"]),
        ({"status": "Complete"}, ["headline-won", "price-lost"]),
        ({"decision": "On hold"}, ["headline-split"]),
        ({"decision": "No decision"}, ["layout-new"]),
        ({"health": "Split is off"}, ["headline-split"]),
        ({"find_test": "layout"}, ["layout-new"]),
    ],
)
def test_the_tests_are_filtered_by_their_address(
    published: Settings,  # noqa: ARG001
    visit: Open,
    address: dict[str, str],
    tests: list[str],
) -> None:
    assert sorted(map(str, rows(visit("tests", **address), "experiment_id"))) == tests


def test_a_test_says_in_words_what_it_shows(published: Settings, visit: Open) -> None:  # noqa: ARG001
    app = visit("test", id="headline-won")
    words = said(app)
    assert "Variant v1 is shown to everyone: it raises traffic" in words
    assert "The win is proven." in words
    assert "learned from 3,412 finished tests" in words
    assert figures(app)["Split check, p"] == "0.62"
    assert figures(app)["Visitors"] == "30,000"
    assert rows(app, "units") == [10_000, 10_040, 9_960]
    assert rows(app, "interval")[0] == "Control"


def test_a_test_gives_reason_evidence_and_history(
    published: Settings,  # noqa: ARG001
    visit: Open,
) -> None:
    app = visit("test", id="headline-won")
    assert "v1 lifts traffic by 18.3% [9.7%, 27.5%] *net* of its cost." in said(app)
    assert '"chanceToWin"' in app.json[0].value
    watched, history = app.dataframe[1].value, app.dataframe[3].value
    assert watched["role"].tolist() == ["Guardrail"] * 3 + ["Secondary"] * 3
    assert history["Reason"].tolist() == ["Too early: 3 of 7 days."]


def test_a_test_has_its_three_charts(published: Settings, visit: Open) -> None:  # noqa: ARG001
    charts = visit("test", id="headline-won").get("vega_lite_chart")
    titles = [str(chart.proto) for chart in charts]
    for question in (
        "Which variant does better than the control, and by how much?",
        "How sure are we of the size of the change?",
        "Did each variant get its planned share of visitors?",
    ):
        assert any(question in title for title in titles), question


def test_a_test_shows_its_segments_and_names_the_one_that_differs(
    published: Settings,  # noqa: ARG001
    visit: Open,
) -> None:
    app = visit("test", id="headline-won")
    assert "**Device: mobile**: the change does worse here than elsewhere" in said(app)
    drawn = [str(chart.proto) for chart in app.get("vega_lite_chart")]
    assert any("Does the change work alike for everybody?" in one for one in drawn)
    app.selectbox(key="segments-variant").select("v2").run()
    assert "No segment is shown to differ." in said(app)
    assert "By segment" not in said(visit("test", id="headline-open"))


def test_a_test_says_whether_its_effect_stays_and_what_that_means(
    published: Settings,  # noqa: ARG001
    visit: Open,
) -> None:
    words = said(visit("test", id="headline-won"))
    assert "The effect of **v1** falls, by 5.8% a week" in words
    assert "+4.0% (−1.0% to +9.0%) on the newest day" in words
    assert "Ship for what is left" in words
    assert "The effect of **v2** is steady as far as can be told" in words
    assert "Does the effect stay?" not in said(visit("test", id="headline-open"))


def test_a_broken_split_names_no_winner(published: Settings, visit: Open) -> None:  # noqa: ARG001
    words = said(visit("test", id="headline-split"))
    assert "No winner is named: visitors were not split as planned" in words
    assert "On hold" in words


def test_a_test_without_visitors_is_told_kindly(
    published: Settings,  # noqa: ARG001
    visit: Open,
) -> None:
    words = said(visit("test", id="layout-new"))
    assert "Nothing can be said yet" in words
    assert "No decision yet." in words


@pytest.mark.parametrize(
    ("address", "words"),
    [({}, "Choose a test"), ({"id": "gone"}, "No test is called **gone**")],
)
def test_a_test_that_is_not_there_is_said(
    published: Settings,  # noqa: ARG001
    visit: Open,
    address: dict[str, str],
    words: str,
) -> None:
    assert words in said(visit("test", **address))


def test_the_decision_log_is_whole_and_filtered(
    published: Settings,  # noqa: ARG001
    visit: Open,
) -> None:
    assert len(rows(visit("decisions"), "reason")) == 5
    assert rows(visit("decisions", kind="Stopped"), "experiment_id") == ["price-lost"]
    assert rows(visit("decisions", proof="Proven"), "experiment_id") == ["headline-won"]
    assert rows(visit("decisions", find_decision="split is off"), "variant_id") == [
        None
    ]


def test_a_site_shows_its_goals_and_speed(published: Settings, visit: Open) -> None:  # noqa: ARG001
    app = visit("site", id="daily-news")
    assert "run for **traffic, sign-ups**" in said(app)
    assert figures(app)["Tests running"] == "3 of 4"
    speed = app.dataframe[1].value
    assert speed["75th percentile"].tolist() == ["2,810 ms", "0.04"]
    assert speed["Rating"].str.join("").tolist() == ["Needs improvement", "Good"]


def test_a_site_shows_where_visits_come_from_and_which_robots_came(
    published: Settings,  # noqa: ARG001
    visit: Open,
) -> None:
    app = visit("site", id="daily-news")
    question = "Where do visits come from, and which of them convert?"
    assert any(question in str(c.proto) for c in app.get("vega_lite_chart"))
    robots = app.dataframe[2].value
    assert robots["bot_reason"].tolist() == [
        "crawler-user-agents: Googlebot\\/",
        "declared: isAutomated",
    ]
    assert robots["events"].tolist() == [1_204, 17]
    assert not visit("site", id="new-site").get("vega_lite_chart")


def test_new_reports_show_without_a_restart(published: Settings, visit: Open) -> None:
    app = visit("tests", find_test="layout")
    assert rows(app, "experiment_id") == ["layout-new"]
    path = sample.write(published.reports, "v-b2") / "tests.parquet"
    renamed = pl.col("experiment_id").replace("layout-new", "layout-newer")
    pl.read_parquet(path).with_columns(renamed).write_parquet(path)
    os.utime(published.reports / "CURRENT", (4e9, 4e9))
    assert rows(app.run(), "experiment_id") == ["layout-newer"]


def test_empty_reports_are_told_as_such(published: Settings, visit: Open) -> None:
    for path in (published.reports / "v-a1").iterdir():
        pl.read_parquet(path).clear().write_parquet(path)
    for view, words in (
        ("portfolio", "No sites yet"),
        ("tests", "No tests yet"),
        ("decisions", "No decisions yet"),
        ("health", "No prior has been learned yet"),
    ):
        assert words in said(visit(view))
