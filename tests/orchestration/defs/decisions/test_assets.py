from datetime import timedelta

import polars as pl
import pytest

from code24.settings import Settings
from code24.state import (
    approvals,
    experiments,
    open_state,
    schedule,
    site_policies,
    slots,
)
from code24.state import decisions as log
from models.experiments.metrics.figures import METRIC_COLUMNS
from models.experiments.policy import DEFAULT_POLICY, Policy, Verdict
from orchestration.defs.decisions.assets import as_decisions, decide_all
from orchestration.defs.experiments.assets import Inputs, analyse
from orchestration.defs.priors.assets import EFFECT_PRIORS
from tests.orchestration.homes import NOW, START, fill_state

VERDICT = Verdict(
    experiment_id="wins",
    site_id="shop",
    kind="ship",
    reason="It is better.",
    variant_id="new",
    is_claimed=True,
    confidence=0.99,
    evidence={"lift": 0.1},
)


def analyses() -> pl.DataFrame:
    """Return the analysis of one test that is won by far."""
    return analyse(_inputs([(5_000, 250), (5_000, 750)])).analyses


def _inputs(counts: list[tuple[int, int]]) -> Inputs:
    """Return what the analysis reads of one test with these units and conversions."""
    rows = [
        {
            "experiment_id": "wins",
            "site_id": "shop",
            "variation_index": index,
            "variant_id": ("old", "new")[index],
            "metric": "conversion",
            "units": units,
            "conversions": conversions,
            "units_multiple": 0,
            "first_exposure_at": START.replace(tzinfo=None),
            "last_exposure_at": NOW.replace(tzinfo=None),
        }
        for index, (units, conversions) in enumerate(counts)
    ]
    weights = pl.DataFrame(
        {
            "experiment_id": ["wins", "wins"],
            "from_at": [START.replace(tzinfo=None)] * 2,
            "variation_index": [0, 1],
            "weight": [0.5, 0.5],
        }
    )
    priors = pl.DataFrame(schema=EFFECT_PRIORS)
    none = pl.DataFrame()
    metrics = pl.DataFrame(schema=dict.fromkeys(METRIC_COLUMNS, pl.String))
    return Inputs(pl.DataFrame(rows), weights, priors, metrics, none, none)


def test_the_id_is_the_test_its_evidence_and_the_policy_not_the_time() -> None:
    (one,) = as_decisions([VERDICT], DEFAULT_POLICY, {"wins"}, NOW)
    later = NOW + timedelta(days=1)
    (same,) = as_decisions([VERDICT], DEFAULT_POLICY, {"wins"}, later)
    stricter = Policy(cost_of_change=0.02)
    (other,) = as_decisions([VERDICT], stricter, {"wins"}, NOW)
    assert one.decision_id == same.decision_id != other.decision_id
    assert one.evidence == {"lift": 0.1, "confidenceLevel": 0.99}
    assert (one.variant, one.policy) == ("new", DEFAULT_POLICY.as_dict())


def test_a_test_that_an_operator_paused_is_left_alone() -> None:
    assert as_decisions([VERDICT], DEFAULT_POLICY, {"equal"}, NOW) == []


def test_a_decision_is_recorded_once_with_what_it_does(settings: Settings) -> None:
    with open_state(settings.database_url) as state:
        fill_state(state)

    (taken,), added = decide_all(settings, analyses())
    assert added == [taken.decision_id]
    assert decide_all(settings, analyses()) == ([], [])

    with open_state(settings.database_url) as state:
        test = experiments.get_test(state, "wins")
        (recorded,) = log.list_decisions(state)
    assert (test.status, test.winner_variant) == ("complete", "new")
    assert recorded == taken


def test_where_a_slot_is_worth_more_an_open_test_gives_way(settings: Settings) -> None:
    with open_state(settings.database_url) as state:
        fill_state(state)
    open_still = analyse(_inputs([(5_000, 250), (5_000, 240)])).analyses
    (kept,), _ = decide_all(settings, open_still)
    with open_state(settings.database_url) as state:
        slots.set_worth(state, "shop", 0.005, actor="test", now=NOW)
    (ended,), _ = decide_all(settings, open_still)
    assert (kept.kind, ended.kind) == ("keep", "stop")
    assert ended.policy["cost_of_day"] == 0.005


def test_a_site_that_wants_to_be_asked_is_asked_once_and_answers(
    settings: Settings,
) -> None:
    with open_state(settings.database_url) as state:
        fill_state(state)
        site_policies.set_policy(
            state, "shop", is_approval_needed=True, actor="ada", now=NOW
        )
    taken, added = decide_all(settings, analyses())
    again = decide_all(settings, analyses())
    assert (len(added), again[1]) == (1, [])
    with open_state(settings.database_url) as state:
        assert log.list_decisions(state, "wins") == []
        (waiting,) = approvals.list_approvals(state, "shop", "requested")
        assert waiting.proposal.kind == "ship"
        approvals.approve(state, waiting.approval_id, actor="ada", now=NOW)
        assert experiments.get_test(state, "wins").winner_variant == "new"
        assert [d.decision_id for d in taken] == [waiting.approval_id]


@pytest.mark.parametrize(("asks", "status"), [(False, "complete"), (True, "paused")])
def test_at_its_planned_end_a_test_ends_or_waits_with_its_control(
    settings: Settings, *, asks: bool, status: str
) -> None:
    with open_state(settings.database_url) as state:
        fill_state(state)
        for test_id in ("wins", "equal"):
            schedule.set_schedule(
                state,
                test_id,
                starts=None,
                ends=NOW,
                actor="ada",
                now=START,
            )
        site_policies.set_policy(
            state, "shop", is_approval_needed=asks, actor="ada", now=NOW
        )
    few = analyses().with_columns(
        pl.lit("equal").alias("experiment_id"),
        pl.lit(value=False).alias("is_enough_data"),
    )
    decide_all(settings, pl.concat([analyses(), few]))
    with open_state(settings.database_url) as state:
        assert experiments.get_test(state, "wins").status == status
        assert len(approvals.list_approvals(state, "shop", "requested")) == int(asks)
        stopped = experiments.get_test(state, "equal")
        assert (stopped.status, stopped.winner_variant) == ("complete", None)
        (decided,) = log.list_decisions(state, "equal")
    assert decided.reason.startswith("The planned end has come")
