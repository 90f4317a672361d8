"""Verdicts: each kind with its reason, claims apart from shipping."""

import json
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from models.experiments.analysis import analyze
from models.experiments.policy import Policy, PolicyError, Verdict, decide
from models.priors.mixture import Prior, normal
from tests.models.experiments import frames

LEARNED = normal(0.0, 0.1, tests=200, before=frames.START)


def verdict(
    counts: list[tuple[Any, Any]],
    prior: Prior = LEARNED,
    policy: Policy | None = None,
    **columns: Any,
) -> Verdict:
    table = frames.stats({"test": counts}, **columns)
    analyses = analyze(table, frames.weights(table), prior)
    (found,) = decide(analyses, policy or Policy())
    return found


def test_ships_and_claims_a_large_sure_gain() -> None:
    found = verdict([(20_000, 1_000), (20_000, 1_200)])
    assert (found.kind, found.variant_id, found.is_claimed) == ("ship", "v1", True)
    assert found.confidence is not None
    assert found.confidence > 0.99
    assert "expected to lift the rate by 16.9%" in found.reason
    assert "proven (e-value" in found.reason


def test_ships_without_claiming_where_the_gain_is_likely_only() -> None:
    """The data of a likely gain: worth shipping, yet its e-value is far from 20."""
    found = verdict([(20_000, 2_000), (20_000, 2_090)])
    assert (found.kind, found.variant_id, found.is_claimed) == ("ship", "v1", False)
    assert "not proven (e-value" in found.reason


def test_claims_nothing_with_a_prior_that_was_not_fixed_before() -> None:
    late = normal(0.0, 0.1, tests=200)
    found = verdict([(20_000, 1_000), (20_000, 1_200)], late)
    assert (found.kind, found.is_claimed) == ("ship", False)
    assert "not proven (no e-value)" in found.reason


def test_a_claim_asks_more_of_a_test_with_many_variants() -> None:
    """An e-value between 20 and 60 proves one variant, not the best of three."""
    pair = [(20_000, 2_000), (20_000, 2_180)]
    two = verdict(pair)
    four = verdict([*pair, (20_000, 1_900), (20_000, 1_900)])
    e_values = [v.evidence["variants"][1]["e_value"] for v in (two, four)]
    assert all(20 < e < 60 for e in e_values)
    assert (two.kind, two.is_claimed) == ("ship", True)
    assert (four.kind, four.is_claimed) == ("ship", False)


def test_stops_for_the_control_where_no_difference_shows() -> None:
    found = verdict([(145_274, 17_489), (145_310, 17_264)])
    assert (found.kind, found.variant_id, found.is_claimed) == ("stop", "v0", False)
    assert found.reason.startswith("No difference shown: variant 'v1' is at -1.3%")


def test_stops_saying_so_where_the_control_is_better() -> None:
    found = verdict([(20_000, 1_200), (20_000, 1_000)])
    assert found.kind == "stop"
    assert found.reason.startswith("The control is better")


def test_stops_where_a_sure_gain_does_not_pay_for_the_change() -> None:
    counts = [(4_000_000, 800_000), (4_000_000, 812_000)]
    assert verdict(counts).kind == "ship"
    dear = verdict(counts, policy=Policy(cost_of_change=0.03))
    assert dear.kind == "stop"
    assert dear.reason.startswith("Too small a gain")


def test_keeps_while_the_best_is_open() -> None:
    found = verdict([(2_000, 100), (2_000, 112)])
    assert (found.kind, found.variant_id, found.confidence) == ("keep", None, None)
    assert found.reason.startswith("Not decided yet: variant 'v1' leads")


def test_keeps_below_the_least_data_whatever_the_lead() -> None:
    found = verdict([(1_000, 24), (1_000, 240)])
    assert found.kind == "keep"
    assert found.reason == (
        "Not enough data: variant 'v0' has 24 conversions of 1,000 units."
    )


@pytest.mark.parametrize(
    ("units", "level"), [((10_000, 10_400), "doubtful"), ((10_000, 12_000), "broken")]
)
def test_holds_a_doubtful_split_whatever_the_lead(
    units: tuple[int, int], level: str
) -> None:
    found = verdict([(units[0], 500), (units[1], 900)])
    assert (found.kind, found.variant_id, found.is_claimed) == ("hold", None, False)
    assert found.reason.startswith(f"The sample ratio is {level}: 10,000, {units[1]:,}")


def test_millions_of_units_with_a_tiny_deviation_raise_no_alarm() -> None:
    found = verdict([(40_000_000, 2_000_000), (40_060_000, 2_002_000)])
    assert found.evidence["srm_p"] < 0.001
    assert found.evidence["srm_level"] == "warning"
    assert found.kind == "hold"


def test_holds_where_many_units_saw_several_variants() -> None:
    counts = [(20_000, 1_000), (20_000, 1_200)]
    assert verdict(counts, units_multiple=500).kind == "ship"
    found = verdict(counts, units_multiple=2_500)
    assert found.kind == "hold"
    assert found.reason.startswith(
        "2,500 units (5.9%, limit 5.0%) were seen in several"
    )


def test_holds_a_problem_with_its_sentence_and_decides_the_others() -> None:
    table = frames.stats(
        {"bad": [(10, 11), (9, 1)], "good": [(20_000, 1_000), (20_000, 1_200)]}
    )
    bad, good = decide(analyze(table, frames.weights(table), LEARNED))
    assert (bad.kind, good.kind) == ("hold", "ship")
    assert "conversions of variant 'v0' is 11, more than its 10 units" in bad.reason


def test_evidence_is_plain_json_and_the_same_each_time() -> None:
    counts = [(20_000, 1_000), (20_000, 1_200), (20_000, 1_111)]
    first, again = verdict(counts), verdict(counts)
    assert first == again
    assert json.loads(json.dumps(first.evidence)) == first.evidence
    assert len(first.evidence["variants"]) == 3
    assert first.evidence["prior_before"] == str(frames.START)
    faulty = verdict([(float("nan"), 3), (float("inf"), 4)])
    assert json.loads(json.dumps(faulty.evidence, allow_nan=False))["problem"]


@pytest.mark.parametrize("sd", [0.05, 0.3])
def test_equal_arms_seldom_win_a_claim_though_read_daily(sd: float) -> None:
    """1,000 A/A tests, 14 daily looks of 2,000 units an arm: Ville allows 5%."""
    prior = normal(0.0, sd, tests=200, before=frames.START)
    rng = np.random.default_rng(5)
    daily = rng.binomial(2_000, 0.05, size=(14, 1_000, 2)).cumsum(axis=0)
    claimed: set[str] = set()
    for day, looks in enumerate(daily, start=1):
        units = 2_000 * day
        table = frames.stats(
            {f"t{i}": [(units, a), (units, b)] for i, (a, b) in enumerate(looks)}
        )
        verdicts = decide(analyze(table, frames.weights(table), prior))
        claimed |= {v.experiment_id for v in verdicts if v.is_claimed}
    assert 1 <= len(claimed) <= 50


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cost_of_change", -0.1),
        ("loss_share", 0.5),
        ("least_e_value", 1.0),
        ("least_chance_to_win", 0.5),
        ("greatest_multiple_share", float("nan")),
    ],
)
def test_policy_out_of_range_is_refused(name: str, value: float) -> None:
    with pytest.raises(PolicyError, match=f"policy {name}={value}"):
        Policy(**{name: value})


ENDING = {
    "behind": [(2_000, 200), (2_000, 190)],
    "few": [(20, 2), (20, 3)],
    "leads": [(2_000, 200), (2_000, 225)],
    "unsound": [(100, 20), (100, 200)],
}


def test_a_test_that_ends_is_decided_whatever_the_evidence() -> None:
    table = frames.stats(ENDING, last_exposure_at=frames.START + timedelta(days=1))
    told = analyze(table, frames.weights(table), LEARNED)
    open_still = {v.experiment_id: v for v in decide(told)}
    assert {v.kind for v in open_still.values()} == {"keep", "hold"}
    last = {v.experiment_id: v for v in decide(told, ending=set(ENDING))}
    kinds = {name: verdict.kind for name, verdict in last.items()}
    assert kinds == {
        "behind": "stop",
        "few": "stop",
        "leads": "ship",
        "unsound": "stop",
    }
    assert "The planned end has come" in last["few"].reason
    assert "more than its 100 units" in last["unsound"].reason
    assert last["unsound"].confidence is None
    assert all(v.evidence["isPlannedEnd"] for v in last.values())
    assert decide(told, ending={"few"})[0] == open_still["behind"]
