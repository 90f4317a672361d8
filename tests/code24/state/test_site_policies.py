"""How far a site lets the platform go: defaults, changes, what is refused."""

from datetime import timedelta

import pytest

from code24.contracts.site_policy import SitePolicy
from code24.state import (
    NotKnownError,
    State,
    StateError,
    audit,
    jobs,
    requests,
    site_policies,
)
from tests.code24.state.conftest import NOW

LATER = NOW + timedelta(hours=1)


def test_a_site_is_automatic_and_shares_until_told_otherwise(state: State) -> None:
    default = SitePolicy(site_id="shop")
    assert site_policies.get_policy(state, "shop") == default
    changed = site_policies.set_policy(
        state, "shop", is_approval_needed=True, actor="ada", now=NOW
    )
    assert (changed.is_approval_needed, changed.is_shared) == (True, True)
    again = site_policies.set_policy(
        state, "shop", is_shared=False, actor="ada", now=LATER
    )
    assert site_policies.list_policies(state) == {"shop": again}
    assert again == SitePolicy(site_id="shop", is_approval_needed=True, is_shared=False)


def test_a_change_is_audited_once_and_a_holdout_is_published(state: State) -> None:
    for _ in range(2):
        site_policies.set_policy(state, "shop", holdout=0.05, actor="ada", now=NOW)
    entries = audit.list_entries(state, subject="site:shop")
    changes = [entry for entry in entries if entry.action == "site.policy"]
    assert [entry.after["holdout"] for entry in changes] == [0.05]
    requests.messages_to_jobs(state, actor="worker", now=LATER)
    assert [job.job_type for job in jobs.list_jobs(state)] == ["release"]


@pytest.mark.parametrize("holdout", [-0.01, 0.51])
def test_a_holdout_of_more_than_half_is_refused(state: State, holdout: float) -> None:
    with pytest.raises(StateError, match="holdout"):
        site_policies.set_policy(state, "shop", holdout=holdout, actor="a", now=NOW)
    assert site_policies.get_policy(state, "shop").holdout == 0.0


def test_an_unknown_site_has_none(state: State) -> None:
    with pytest.raises(NotKnownError, match="'gone'"):
        site_policies.get_policy(state, "gone")
