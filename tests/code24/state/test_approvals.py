"""Proposals: asked once, answered once, and taken in the transaction that approves."""

from datetime import timedelta

import pytest

from code24.state import (
    NotKnownError,
    State,
    StateError,
    approvals,
    decisions,
    experiments,
    jobs,
    requests,
)
from tests.code24.state.conftest import NOW, decision, experiment

LATER = NOW + timedelta(hours=1)


@pytest.fixture(autouse=True)
def _running_test(state: State) -> None:
    experiments.create_test(state, experiment(), actor="ada", now=NOW)


def _status(state: State) -> str:
    return experiments.get_test(state, "hero").status


def test_a_proposal_changes_nothing_until_it_is_approved(state: State) -> None:
    assert approvals.propose(state, decision(), actor="loop")
    assert not approvals.propose(state, decision(), actor="loop")
    assert (_status(state), decisions.list_decisions(state)) == ("running", [])
    taken = approvals.approve(state, "d-ship", actor="ada", now=LATER)
    assert decisions.list_decisions(state) == [taken]
    assert (_status(state), taken.decided_at) == ("complete", LATER)
    requests.messages_to_jobs(state, actor="worker", now=LATER)
    assert "release" in {job.job_type for job in jobs.list_jobs(state)}
    (answered,) = approvals.list_approvals(state)
    assert (answered.status, answered.answered_by) == ("approved", "ada")


def test_a_rejected_proposal_is_not_asked_again_but_a_newer_one_is(
    state: State,
) -> None:
    approvals.propose(state, decision(), actor="loop")
    approvals.reject(state, "d-ship", actor="ada", now=LATER)
    assert not approvals.propose(state, decision(), actor="loop")
    assert approvals.propose(state, decision(decision_id="d-2"), actor="loop")
    waiting = approvals.list_approvals(state, "shop", "requested")
    assert [found.approval_id for found in waiting] == ["d-2"]
    assert _status(state) == "running"


def test_a_newer_proposal_takes_the_place_of_one_not_answered(state: State) -> None:
    approvals.propose(state, decision(), actor="loop")
    approvals.propose(state, decision(decision_id="d-2"), actor="loop")
    with pytest.raises(StateError, match="was rejected by loop"):
        approvals.approve(state, "d-ship", actor="ada", now=LATER)
    approvals.approve(state, "d-2", actor="ada", now=LATER)
    assert _status(state) == "complete"


def test_what_no_longer_fits_is_not_taken_and_stays_unanswered(state: State) -> None:
    approvals.propose(state, decision(), actor="loop")
    experiments.transition(state, "hero", "complete", actor="ada", now=LATER)
    with pytest.raises(StateError, match="is complete"):
        approvals.approve(state, "d-ship", actor="ada", now=LATER)
    (found,) = approvals.list_approvals(state)
    assert (found.status, decisions.list_decisions(state)) == ("requested", [])


def test_an_unknown_proposal_is_named(state: State) -> None:
    with pytest.raises(NotKnownError, match="proposal 'd-9'"):
        approvals.reject(state, "d-9", actor="ada", now=LATER)
