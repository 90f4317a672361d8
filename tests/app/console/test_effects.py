"""What is said of a step before it is taken."""

from datetime import UTC, datetime

import msgspec
import pytest

from app.console import effects
from app.console.control import Step
from app.console.effects import Standing
from code24.contracts.decision import Decision, DecisionKind
from code24.contracts.experiment import Experiment, Namespace, TestStatus, Variant
from code24.contracts.site_policy import SitePolicy
from code24.contracts.targeting import Targeting

TEST = Experiment(
    test_id="hero",
    site_id="shop",
    test_type="headline",
    goal_type="sales",
    variants=(
        Variant(variant_id="old", name="As it is"),
        Variant(variant_id="new", name="new"),
    ),
    traffic_split=(0.8, 0.2),
    status="running",
)


def _standing(
    *decisions: Decision, status: TestStatus = "running", holdout: float = 0.0
) -> Standing:
    test = msgspec.structs.replace(TEST, status=status)
    return Standing(test, decisions, SitePolicy(site_id="shop", holdout=holdout))


def _decision(decision_id: str, kind: DecisionKind, undoes: str = "") -> Decision:
    return Decision(
        decision_id=decision_id,
        test_id="hero",
        site_id="shop",
        kind=kind,
        reason="r",
        variant=None,
        is_claimed=False,
        evidence={"undoes": undoes} if undoes else {},
        policy={},
        decided_at=datetime(2026, 3, 1, tzinfo=UTC),
    )


SHIFT, SHIP = _decision("s-1", "shift"), _decision("d-1", "ship")


@pytest.mark.parametrize(
    ("status", "decisions", "steps"),
    [
        ("draft", (), ("start",)),
        ("running", (), ("pause", "ship", "stop")),
        ("running", (SHIFT,), ("pause", "ship", "stop", "undo")),
        ("paused", (), ("start", "ship", "stop")),
        ("complete", (), ()),
        ("complete", (SHIP, _decision("k-1", "keep")), ("undo",)),
    ],
)
def test_the_steps_are_those_that_can_follow(
    status: TestStatus, decisions: tuple[Decision, ...], steps: tuple[Step, ...]
) -> None:
    assert effects.steps(_standing(*decisions, status=status)) == steps


def test_an_undone_decision_is_in_force_no_more() -> None:
    undoing = _decision("u-1", "keep", undoes="d-1")
    assert effects.in_force([SHIFT, SHIP]) == SHIP
    assert effects.in_force([SHIFT, SHIP, undoing]) == SHIFT
    assert effects.in_force([SHIP, undoing]) is None


@pytest.mark.parametrize(
    ("step", "holdout", "said"),
    [
        ("start", 0.0, "All visitors take part: 80% see **old** (As it is), 20% see"),
        ("start", 0.0025, "but the 0.25% held out take part"),
        ("pause", 0.0, "Every visitor sees the control, **old** (As it is), until"),
        ("stop", 0.0, "The test ends: every visitor sees the control"),
        ("ship", 0.0, "The test ends: every visitor sees **new**."),
        ("ship", 0.05, "but for the 5% held out, who see **old** (As it is)."),
        ("undo", 0.0, "visitors are shared out among its variants again"),
    ],
)
def test_each_step_says_what_visitors_will_see(
    step: Step, holdout: float, said: str
) -> None:
    standing = _standing(SHIP, holdout=holdout)
    assert said in effects.of_step(step, standing, "new").replace("\\", "")


def test_a_start_says_how_many_take_part() -> None:
    part = Namespace(name="checkout", low=0.0, high=0.5)
    test = msgspec.structs.replace(TEST, coverage=0.4, namespace=part)
    said = effects.of_step("start", _standing()._replace(test=test))
    assert said.startswith("20% of visitors take part: of these 80% see")
    assert said.endswith("All others see the control.")


def test_an_undone_shift_gives_the_weights_back() -> None:
    said = effects.of_step("undo", _standing(SHIFT))
    assert said == "Visitors are shared out by the weights of before."


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, "Nothing is changed yet."),
        ({"is_approval_needed": True}, "Decisions to ship, stop or shift wait for you"),
        ({"is_shared": False}, "inform only this site's priors"),
        ({"holdout": 0.0}, "Nobody is held out"),
        ({"holdout": 0.1}, "10% of visitors are held out of every test"),
    ],
)
def test_a_change_of_policy_is_said(change: dict[str, float], said: str) -> None:
    before = SitePolicy(site_id="shop", holdout=0.05)
    after = msgspec.structs.replace(before, **change)
    assert said in effects.of_policy(before, after)


def test_what_applies_to_some_alone_is_said_so() -> None:
    targeting = Targeting(condition={"country": "DE"})
    test = msgspec.structs.replace(TEST, targeting=targeting, status="draft")
    standing = Standing(test, (), SitePolicy(site_id="shop"))
    for said in (
        effects.of_step("start", standing),
        effects.of_decision("ship", test, 0.0, "new"),
    ):
        assert said.endswith('alone whom it asks: \\{"country"\\:"DE"\\}.')
    assert "alone" not in effects.of_decision("ship", TEST, 0.0, "new")
