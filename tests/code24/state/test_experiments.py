"""Tests: made once, moved along their one way, weights remembered."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from code24.contracts.allocation import Allocation
from code24.contracts.change import Attribute, Change, Match
from code24.contracts.experiment import Experiment, Namespace, TestStatus, Variant
from code24.contracts.targeting import StickyBucketing, Targeting
from code24.state import (
    NotKnownError,
    State,
    StateError,
    allocations,
    audit,
    experiments,
    snapshot,
)
from code24.state.experiments import NEXT
from tests.code24.state.conftest import NOW, experiment

LATER = NOW + timedelta(hours=1)


def _create(state: State, **changes: object) -> None:
    experiments.create_test(state, experiment(**changes), actor="ada", now=NOW)


def _move(state: State, to: TestStatus) -> None:
    experiments.transition(state, "hero", to, actor="ada", now=LATER)


def test_a_test_comes_back_as_it_was_made(state: State) -> None:
    _create(state, start_date=NOW, seed="s", coverage=0.25, hash_version=1)
    found = experiments.get_test(state, "hero")
    assert found == experiment(start_date=NOW, seed="s", coverage=0.25, hash_version=1)


def test_whom_a_test_asks_comes_back_as_it_was_made(state: State) -> None:
    targeting = Targeting(condition={"country": {"$in": ["DE", "AT"]}})
    sticky = StickyBucketing(bucket_version=1, fallback_attribute="deviceId")
    _create(state, targeting=targeting, sticky_bucketing=sticky)
    found = experiments.get_test(state, "hero")
    assert (found.targeting, found.sticky_bucketing) == (targeting, sticky)
    with pytest.raises(StateError, match="there with another targeting"):
        _create(state, sticky_bucketing=sticky)


def test_who_keeps_a_variant_is_moved_by_no_weights(state: State) -> None:
    _create(state, sticky_bucketing=StickyBucketing())
    with pytest.raises(StateError, match="would not see other weights"):
        experiments.set_weights(state, "hero", (0.9, 0.1), actor="ada", now=LATER)
    bandit = Allocation(test_id="hero", kind="bandit")
    with pytest.raises(StateError, match="a bandit could not move them"):
        allocations.set_allocation(state, bandit, actor="ada", now=LATER)


@pytest.mark.parametrize(
    ("targeting", "told"),
    [
        ({"condition": {"age": {"$gtt": 1}}}, "operator '\\$gtt' is unknown"),
        ({"urlPatterns": [{"pattern": "/shop/*"}]}, "target a flag by a condition"),
        ({"conditions": {}}, "unknown field `conditions`"),
    ],
)
def test_whom_no_client_could_ask_is_refused(
    targeting: dict[str, Any], told: str
) -> None:
    fields = msgspec.to_builtins(experiment())
    with pytest.raises(ValueError, match=told):
        msgspec.convert({**fields, "targeting": targeting}, Experiment)


def test_a_running_test_starts_now_and_a_draft_when_it_is_started(state: State) -> None:
    _create(state)
    assert experiments.get_test(state, "hero").start_date == NOW
    _create(state, test_id="idea", status="draft")
    assert experiments.get_test(state, "idea").start_date is None
    started = experiments.transition(state, "idea", "running", actor="ada", now=LATER)
    assert started.start_date == LATER


def test_making_it_again_changes_nothing_even_when_it_went_on(state: State) -> None:
    _create(state)
    experiments.set_weights(state, "hero", (0.9, 0.1), actor="ada", now=LATER)
    _move(state, "complete")
    entries = len(audit.list_entries(state))
    _create(state)
    found = experiments.get_test(state, "hero")
    assert (found.status, found.traffic_split) == ("complete", (0.9, 0.1))
    assert len(audit.list_entries(state)) == entries


def test_another_definition_is_refused_and_names_the_field(state: State) -> None:
    _create(state)
    with pytest.raises(StateError, match="'hero' is there with another coverage"):
        _create(state, coverage=0.5)


def test_a_test_cannot_be_born_complete(state: State) -> None:
    with pytest.raises(StateError, match="imported as a past experiment"):
        _create(state, status="complete", winner_variant="v1")


def test_a_test_needs_its_site(state: State) -> None:
    with pytest.raises(NotKnownError, match="site 'gone' is not known"):
        _create(state, site_id="gone")


def test_a_wrong_field_is_named(state: State) -> None:
    with pytest.raises(StateError, match="testId"):
        _create(state, test_id="No Slug")


@pytest.mark.parametrize("start", NEXT)
@pytest.mark.parametrize("to", NEXT)
def test_every_transition_is_as_the_table_says(
    state: State, start: TestStatus, to: TestStatus
) -> None:
    _create(state, status="draft" if start == "draft" else "running")
    if start in {"paused", "complete"}:
        _move(state, start)
    if to in NEXT[start]:
        _move(state, to)
        assert experiments.get_test(state, "hero").status == to
        return
    with pytest.raises(StateError, match=f"is {start} and cannot become {to}"):
        _move(state, to)
    assert experiments.get_test(state, "hero").status == start


def test_completing_by_hand_keeps_the_control(state: State) -> None:
    _create(state)
    _move(state, "complete")
    found = experiments.get_test(state, "hero")
    assert (found.end_date, found.winner_variant) == (LATER, None)


def test_a_transition_is_audited_with_both_ends(state: State) -> None:
    _create(state)
    _move(state, "paused")
    entry = audit.list_entries(state, subject="test:hero")[0]
    assert (entry.action, entry.actor) == ("test.paused", "ada")
    assert (entry.before["status"], entry.after["status"]) == ("running", "paused")


def test_weights_are_remembered_with_their_moment(state: State) -> None:
    _create(state, start_date=NOW)
    experiments.set_weights(state, "hero", (0.2, 0.8), actor="ada", now=LATER)
    rows = snapshot.tables(state)["weights"]
    naive = [moment.replace(tzinfo=None) for moment in (NOW, LATER)]
    assert [(row["from_at"], row["weight"]) for row in rows] == [
        (naive[0], 0.5),
        (naive[0], 0.5),
        (naive[1], 0.2),
        (naive[1], 0.8),
    ]


@pytest.mark.parametrize("weights", [(1.0,), (0.5, 0.6), (-0.5, 1.5)])
def test_weights_that_do_not_fit_are_refused(
    state: State, weights: tuple[float, ...]
) -> None:
    _create(state)
    with pytest.raises(StateError):
        experiments.set_weights(state, "hero", weights, actor="ada", now=LATER)
    assert experiments.get_test(state, "hero").traffic_split == (0.5, 0.5)


def test_weights_of_a_complete_test_stay(state: State) -> None:
    _create(state)
    _move(state, "complete")
    with pytest.raises(StateError, match="is complete: its weights stay"):
        experiments.set_weights(state, "hero", (0.9, 0.1), actor="ada", now=LATER)


def test_a_release_is_noted_at_the_weights_it_first_served(state: State) -> None:
    _create(state)
    note = experiments.note_release
    assert note(state, "r000001-aaaaaaaa", ["hero"], actor="loop", now=NOW) == 1
    assert note(state, "r000002-bbbbbbbb", ["hero"], actor="loop", now=NOW) == 0
    released = {row["release_id"] for row in snapshot.tables(state)["weights"]}
    assert released == {"r000001-aaaaaaaa"}


def test_a_release_may_serve_more_tests_than_a_statement_takes(state: State) -> None:
    _create(state)
    served = [*(f"t{number}" for number in range(40_000)), "hero"]
    count = experiments.note_release(state, "r1", served, actor="loop", now=NOW)
    assert count == 1


def test_tests_are_listed_by_site_and_status(state: State) -> None:
    _create(state)
    _create(state, test_id="idea", status="draft")
    assert [test.test_id for test in experiments.list_tests(state)] == ["hero", "idea"]
    drafts = experiments.list_tests(state, site_id="shop", status="draft")
    assert [test.test_id for test in drafts] == ["idea"]
    assert experiments.list_tests(state, site_id="other") == []


def test_an_unknown_test_is_named(state: State) -> None:
    with pytest.raises(NotKnownError, match="test 'gone' is not known"):
        experiments.get_test(state, "gone")


def _slice(low: float, high: float) -> Namespace:
    return Namespace(name="top", low=low, high=high)


def test_a_plan_comes_back_as_it_was_made(state: State) -> None:
    plan = {"namespace": _slice(0.25, 0.75), "planned_end_date": LATER}
    _create(state, **plan)
    assert experiments.get_test(state, "hero") == experiment(**plan, start_date=NOW)
    assert [test.namespace for test in experiments.list_tests(state)] == [
        _slice(0.25, 0.75)
    ]
    with pytest.raises(StateError, match="another namespace"):
        _create(state, namespace=_slice(0.0, 0.2), planned_end_date=LATER)


@pytest.mark.parametrize(("low", "high"), [(0.2, 0.4), (0.0, 0.21), (0.3, 0.35)])
def test_tests_of_a_namespace_share_nobody(
    state: State, low: float, high: float
) -> None:
    _create(state, namespace=_slice(0.2, 0.4))
    with pytest.raises(StateError, match=r"overlaps test 'hero', which has 0.2 to 0.4"):
        _create(state, test_id="other", namespace=_slice(low, high))
    experiments.create_test(
        state,
        experiment(test_id="beside", namespace=_slice(0.4, 1.0)),
        actor="ada",
        now=NOW,
    )


def test_a_slice_is_free_again_once_its_test_has_ended(state: State) -> None:
    for number, share in enumerate((0.3, 0.3, 0.4)):
        part = experiments.free_slice(state, "shop", "top", share)
        _create(state, test_id=f"t{number}", namespace=part)
    with pytest.raises(StateError, match=r"no part of 0\.2 is free"):
        experiments.free_slice(state, "shop", "top", 0.2)
    experiments.transition(state, "t1", "complete", actor="ada", now=LATER)
    assert experiments.free_slice(state, "shop", "top", 0.2) == _slice(0.3, 0.5)
    with pytest.raises(StateError, match=r"must be in \(0, 1\]"):
        experiments.free_slice(state, "shop", "other", 0.0)


def test_what_no_page_may_get_is_refused_before_it_holds_up_a_release(
    state: State,
) -> None:
    script = Change(
        id="c",
        match=Match(host="shop.example"),
        ops=(Attribute(sel="a", name="onclick", value="alert(1)"),),
    )
    bad = Variant(variant_id="v1", name="bad", changes=(script,))
    good = Variant(variant_id="v0", name="as it is")
    with pytest.raises(StateError, match="test 'hero': "):
        _create(state, variants=(good, bad))
    assert experiments.list_tests(state) == []


def test_a_dry_run_refuses_what_making_it_would_and_adds_nothing(state: State) -> None:
    experiments.check_test(state, experiment())
    assert experiments.list_tests(state) == []
    with pytest.raises(NotKnownError, match="site 'gone'"):
        experiments.check_test(state, experiment(site_id="gone"))
