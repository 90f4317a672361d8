"""The snapshot holds exactly the columns of the raw tables, and no key."""

import json

from code24.contracts.experiment import PastExperiment, PastVariant
from code24.state import (
    State,
    decisions,
    experiments,
    site_policies,
    sites,
    snapshot,
)
from tests.code24.state.conftest import NOW, decision, experiment

NAIVE = NOW.replace(tzinfo=None)


def _fill(state: State) -> None:
    experiments.create_test(state, experiment(), actor="t", now=NOW)
    decisions.record(state, decision(), actor="t")
    past = PastExperiment(
        site_id="shop",
        experiment_id="old",
        test_type="headline",
        goal_type="sales",
        ended_at=NOW,
        source="archive",
        variants=tuple(
            PastVariant(variant_id=name, units=10, conversions=1) for name in "ba"
        ),
    )
    experiments.import_past(state, [past], actor="t", now=NOW)


def test_the_first_row_of_each_table(state: State) -> None:
    _fill(state)
    first = {name: rows[0] for name, rows in snapshot.tables(state).items()}
    assert first == {
        "sites": {
            "site_id": "shop",
            "host": "shop.example",
            "vertical": "grocery",
            "is_shared": True,
        },
        "goals": {"site_id": "shop", "goal_type": "sales", "position": 0},
        "experiments": {
            "experiment_id": "hero",
            "site_id": "shop",
            "test_type": "headline",
            "goal_type": "sales",
            "status": "complete",
            "coverage": 1.0,
            "hash_version": 2,
            "start_at": NAIVE,
            "end_at": NAIVE,
            "winner_variant_id": "v1",
            "decision_id": "d-ship",
        },
        "variants": {
            "experiment_id": "hero",
            "variation_index": 0,
            "variant_id": "v0",
            "name": "as it is",
        },
        "metrics": {
            "experiment_id": "hero",
            "metric_id": "conversion",
            "site_id": "shop",
            "position": 0,
            "role": "goal",
            "kind": "conversion",
            "is_plain": True,
            "is_increase_good": True,
            "measure": "conversions",
            "measure_goal_type": "sales",
            "per": None,
            "per_goal_type": None,
            "delay_hours": 0.0,
            "window_hours": None,
            "is_mature_only": True,
            "cap": None,
            "cap_share": None,
            "covariate_days": 0,
            "quantile": None,
        },
        "weights": {
            "experiment_id": "hero",
            "from_at": NAIVE,
            "variation_index": 0,
            "weight": 0.5,
            "release_id": None,
        },
        "decisions": {
            "decision_id": "d-ship",
            "experiment_id": "hero",
            "site_id": "shop",
            "kind": "ship",
            "variant_id": "v1",
            "is_claimed": True,
            "reason": "v1 wins by 4%.",
            "decided_at": NAIVE,
        },
        "past_experiments": {
            "site_id": "shop",
            "experiment_id": "old",
            "variant_id": "b",
            "variation_index": 0,
            "units": 10,
            "conversions": 1,
            "test_type": "headline",
            "goal_type": "sales",
            "ended_at": NAIVE,
            "source": "archive",
        },
    }


def test_every_variant_has_its_row(state: State) -> None:
    _fill(state)
    tables = snapshot.tables(state)
    assert [row["variant_id"] for row in tables["variants"]] == ["v0", "v1"]
    assert [row["variation_index"] for row in tables["weights"]] == [0, 1]
    assert len(tables["past_experiments"]) == 2


def test_no_key_leaves_the_state(state: State) -> None:
    _fill(state)
    site = sites.get_site(state, "shop")
    text = json.dumps(snapshot.tables(state), default=str)
    assert site.write_key not in text
    assert site.client_key not in text


def test_an_empty_state_has_every_table(state: State) -> None:
    empty = {name for name, rows in snapshot.tables(state).items() if not rows}
    assert empty == {
        "experiments",
        "variants",
        "metrics",
        "weights",
        "decisions",
        "past_experiments",
    }


def test_a_holdout_adds_a_test_of_what_was_shipped(state: State) -> None:
    experiments.create_test(state, experiment(), actor="ada", now=NOW)
    decisions.record(state, decision(), actor="loop")
    before = snapshot.tables(state)
    site_policies.set_policy(state, "shop", holdout=0.05, actor="ada", now=NOW)
    after = snapshot.tables(state)
    added = {
        name: [row for row in after[name] if row not in before[name]] for name in after
    }
    (test,) = added["experiments"]
    assert test["experiment_id"] == "hero--holdout-500"
    assert (test["status"], test["test_type"]) == ("running", "holdout")
    assert test["start_at"] == NOW.replace(tzinfo=None)
    assert [row["variant_id"] for row in added["variants"]] == ["v0", "v1"]
    assert [row["weight"] for row in added["weights"]] == [0.05, 0.95]
