"""Steps, approvals and policies from the console's pages, by the real control API."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta

import msgspec
import pytest

from code24.releases import Publisher, Reader
from code24.settings import Settings
from code24.state import (
    State,
    alarms,
    approvals,
    audit,
    decisions,
    experiments,
    open_state,
    site_policies,
)
from tests.app.console import operated, sample
from tests.app.console.conftest import Open, figures, said
from tests.app.serving import control_api


@pytest.fixture
def state(home: Settings) -> Iterator[State]:
    """Return the shared state of a home whose control API and reports are there."""
    sample.write(home.reports)
    sample.add_verification(home.reports)
    operated.write_state(home)
    with control_api(home), open_state(home.database_url) as opened:
        yield opened


def test_a_running_test_is_paused_and_goes_on(
    state: State, visit: Open, home: Settings
) -> None:
    app = visit("test", id="headline-open")
    assert "Every visitor sees the control, **v0** (As it was)" in said(app)
    assert 'Asks only: {"device":"phone"}' in said(app).replace("\\", "")
    app.text_input(key="why-pause").input("stock-taking")
    app.button(key="pause").click().run()
    assert "Paused." in said(app)
    assert experiments.get_test(state, "headline-open").status == "paused"
    entry = audit.list_entries(state, subject="test:headline-open")[0]
    assert (entry.actor, entry.after["reason"]) == ("operator", "stock-taking")
    reader = Reader(home.releases, home.keys / "verify.pub")
    served = reader.site(reader.current(), "daily-news").tests
    assert "paused" in {t.status for t in served if t.test_id == "headline-open"}
    app.button(key="start").click().run()
    assert experiments.get_test(state, "headline-open").status == "running"


def test_a_ship_wants_a_reason_and_is_undone(state: State, visit: Open) -> None:
    app = visit("test", id="headline-open")
    app.button(key="ship").click().run()
    assert "Say why: the decision log keeps it." in said(app)
    assert experiments.get_test(state, "headline-open").status == "running"
    app.text_input(key="why-ship").input("autumn campaign")
    app.button(key="ship").click().run()
    assert "Shipped." in said(app)
    test = experiments.get_test(state, "headline-open")
    assert (test.status, test.winner_variant) == ("complete", "v1")
    assert decisions.list_decisions(state, "headline-open")[-1].reason == (
        "operator decided to ship 'v1': autumn campaign"
    )
    app.button(key="undo").click().run()
    assert experiments.get_test(state, "headline-open").status == "running"


def test_a_draft_is_started_and_stopped(state: State, visit: Open) -> None:
    app = visit("test", id="layout-new")
    assert "The figures are of the last run, when it was running." in said(app)
    app.button(key="start").click().run()
    app.text_input(key="why-stop").input("sold out")
    app.button(key="stop").click().run()
    assert experiments.get_test(state, "layout-new").status == "complete"


def test_a_test_s_end_is_planned(state: State, visit: Open) -> None:
    app = visit("test", id="headline-open")
    day = datetime.now(UTC).date() + timedelta(days=30)
    app.date_input(key="ends").set_value(day).run()
    assert f"It ends on {day.day} {day:%b %Y}, 00:00 UTC at the latest" in said(app)
    app.button(key="schedule").click().run()
    assert "Planned." in said(app)
    planned = experiments.get_test(state, "headline-open").planned_end_date
    assert planned == datetime.combine(day, time(), UTC)


def test_a_test_that_reports_do_not_know_yet_can_be_started(
    state: State, visit: Open
) -> None:
    made = experiments.get_test(state, "layout-new")
    fresh = msgspec.structs.replace(made, test_id="fresh")
    experiments.create_test(state, fresh, actor="t", now=operated.NOW)
    app = visit("test", id="fresh")
    assert "in them after the next run of the loop" in said(app)
    app.button(key="start").click().run()
    assert experiments.get_test(state, "fresh").status == "running"


def test_a_refusal_is_one_line_and_changes_nothing(state: State, visit: Open) -> None:
    app = visit("test", id="headline-open")
    experiments.transition(
        state, "headline-open", "paused", actor="t", now=operated.NOW
    )
    app.button(key="pause").click().run()
    assert any("cannot become paused" in error.value for error in app.error)


def test_what_waits_is_counted_shown_and_approved(state: State, visit: Open) -> None:
    app = visit("approvals")
    assert "1.3% [-3.9%, 6.8%] *net* of its cost." in said(app)
    assert "but for the 5% held out, who see **v0**" in said(app)
    assert "the win is not proven" in said(app)
    assert len(app.get("vega_lite_chart")) == 1
    app.button(key=f"approve-{operated.PROPOSAL}").click().run()
    assert "Approved." in said(app)
    assert "Nothing waits for approval." in said(app)
    assert experiments.get_test(state, "headline-open").winner_variant == "v1"
    assert app.dataframe[0].value["test_id"].tolist() == ["headline-open"]


def test_what_is_rejected_is_not_taken(state: State, visit: Open) -> None:
    app = visit("approvals")
    app.button(key=f"reject-{operated.PROPOSAL}").click().run()
    assert "Rejected; the test goes on." in said(app)
    assert experiments.get_test(state, "headline-open").status == "running"
    (answered,) = approvals.list_approvals(state)
    assert (answered.status, answered.answered_by) == ("rejected", "operator")


def test_a_proposal_that_fits_no_more_is_refused_in_one_line(
    state: State, visit: Open
) -> None:
    app = visit("approvals")
    decisions.conclude(
        state, "headline-open", None, reason="r", actor="t", now=operated.NOW
    )
    app.button(key=f"approve-{operated.PROPOSAL}").click().run()
    assert any("is complete" in error.value for error in app.error), said(app)


def test_a_site_s_policy_is_shown_and_changed(state: State, visit: Open) -> None:
    app = visit("site", id="daily-news")
    shown = figures(app)
    assert shown["Decisions"] == "Wait for approval"
    assert shown["Held out"] == "5% of visitors"
    app.toggle(key="approval").set_value(False)
    app.number_input(key="holdout").set_value(10.0).run()
    assert "10% of visitors are held out of every test" in said(app)
    app.button(key="policy").click().run()
    assert "Settled." in said(app)
    policy = site_policies.get_policy(state, "daily-news")
    assert (policy.is_approval_needed, policy.holdout) == (False, 0.1)
    assert figures(app)["Decisions"] == "Automatic"


def test_a_test_is_switched_off_and_on(state: State, visit: Open) -> None:  # noqa: ARG001
    app = visit("test", id="headline-open")
    app.button(key="switch").click().run()
    assert "Switched off by hand." in said(app)
    app.button(key="switch").click().run()
    assert "Switched on again." in said(app)


def test_a_test_off_by_its_guardrail_says_so(
    state: State, visit: Open, home: Settings
) -> None:
    crossing = {
        "testId": "headline-open",
        "variantId": "v1",
        "value": 0.3,
        "limit": 0.1,
    }
    alarms.raise_alarm(state, crossing, actor="guardrail", now=operated.NOW)
    Publisher(home.releases, home.keys).switch(is_off=True, test_ids=["headline-open"])
    words = said(visit("test", id="headline-open"))
    assert "Switched off by its guardrail" in words
    assert "has surely lost more than 10% of the control's conversions" in words


def test_what_shipped_is_shown_with_the_lift_since(state: State, visit: Open) -> None:  # noqa: ARG001
    app = visit("test", id="headline-won")
    assert "Since it shipped" in said(app)
    shown = figures(app)
    assert shown["Lift since it shipped"] == "+7.8%"
    assert shown["90% interval"] == "+0.0% to +16.3%"
    assert (shown["Held out, of visitors"], shown["Visitors since"]) == (
        "5%",
        "100,000",
    )


def test_a_verification_is_listed_and_shown_as_one(
    state: State,  # noqa: ARG001
    visit: Open,
) -> None:
    app = visit("tests", decision="Verifies")
    names = app.dataframe[0].value["experiment_id"].tolist()
    assert names == ["↳ headline-won, since it shipped"]
    assert figures(app)["Verifying"] == "1"
    own = visit("test", id=sample.VERIFICATION)
    assert "verification against the 5% held out" in said(own)
    assert "It is watched, never decided about." in said(own)
    assert not own.button


def test_without_the_control_api_each_page_says_so_in_one_line(
    home: Settings, visit: Open
) -> None:
    sample.write(home.reports)
    for view, address in (
        ("test", {"id": "headline-open"}),
        ("approvals", {}),
        ("site", {"id": "daily-news"}),
    ):
        app = visit(view, **address)
        (error,) = app.error
        assert "does not answer; start it with `make up`" in error.value.replace(
            "\\", ""
        )
