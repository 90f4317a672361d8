"""A shared state that fits the sample reports, and a control API that serves it."""

from datetime import datetime, timedelta
from typing import Any

from code24.contracts.decision import Decision, DecisionKind
from code24.contracts.experiment import Experiment, Variant
from code24.contracts.targeting import Targeting
from code24.contracts.wire import GoalType
from code24.publishing import publish
from code24.settings import Settings
from code24.state import (
    State,
    approvals,
    decisions,
    experiments,
    open_state,
    site_policies,
    sites,
)
from tests.app.console import sample

NOW = sample.PUBLISHED_AT
PHONES = Targeting(condition={"device": "phone"})
PROPOSAL = "p-headline-open"
SITES: dict[str, tuple[str, str, tuple[GoalType, ...]]] = {
    "corner-shop": ("shop.example", "grocery", ("sales",)),
    "daily-news": ("news.example", "news", ("traffic", "signups")),
    "new-site": ("new.example", "saas", ("leads",)),
}


def write_state(settings: Settings) -> None:
    """Make the sites and tests of the sample: one shipped, one waits for approval."""
    with open_state(settings.database_url) as state:
        for site_id, (host, vertical, goals) in SITES.items():
            sites.add_site(state, site_id, host, vertical, goals, actor="t", now=NOW)
        for test_id in sample.PARTS:
            experiments.create_test(state, _test(test_id), actor="t", now=NOW)
        decisions.record(state, _decision("headline-won", "ship", NOW), actor="loop")
        decisions.record(state, _decision("price-lost", "stop", NOW), actor="loop")
        _await_approval(state)
    publish(settings, {})


def _await_approval(state: State) -> None:
    site_policies.set_policy(
        state, "daily-news", actor="t", now=NOW, is_approval_needed=True, holdout=0.05
    )
    proposal = _decision("headline-open", "ship", NOW + timedelta(hours=1))
    approvals.propose(state, proposal, actor="loop")


def _test(test_id: str) -> Experiment:
    arms = sample.PARTS[test_id]
    return Experiment(
        test_id=test_id,
        site_id=sample.SITE.get(test_id, "daily-news"),
        test_type=test_id.partition("-")[0],
        goal_type="sales" if test_id in sample.SITE else "traffic",
        targeting=PHONES if test_id == "headline-open" else None,
        variants=tuple(
            Variant(variant_id=variant, name=sample.NAMES[variant])
            for variant, _, _ in arms
        ),
        traffic_split=(1 / len(arms),) * len(arms),
        status="draft" if test_id == "layout-new" else "running",
    )


def _decision(test_id: str, kind: DecisionKind, at: datetime) -> Decision:
    proposed = test_id == "headline-open"
    return Decision(
        decision_id=PROPOSAL if proposed else f"d-{test_id}",
        test_id=test_id,
        site_id=sample.SITE.get(test_id, "daily-news"),
        kind=kind,
        reason="v1 raises traffic by 1.3% [-3.9%, 6.8%] *net* of its cost.",
        variant="v1" if kind == "ship" else "v0",
        is_claimed=False,
        evidence=_evidence(test_id),
        policy={"cost_of_change": 0.001},
        decided_at=at,
    )


def _evidence(test_id: str) -> dict[str, Any]:
    rows = sample.frames()["analyses"].filter(experiment_id=test_id).to_dicts()
    shared = {name: rows[0][name] for name in ("prior_mean", "prior_sd", "srm_p")}
    arms = ("variant_id", "units", "conversions", "raw_lift", "effect", "effect_sd",
            "lift", "lift_low", "lift_high", "chance_to_win", "weight")  # fmt: skip
    variants = [{name: row[name] for name in arms} for row in rows]
    return {**shared, "confidenceLevel": 0.97, "variants": variants}
