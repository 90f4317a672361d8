"""The holdout: the same units everywhere, and a test of what was shipped."""

from typing import Any

import pytest

from code24.assignment import assign
from code24.contracts.experiment import Experiment
from code24.holdout import is_held_out, taking_part, verification
from tests.code24.releasing import MOMENT, ab_test

UNITS = [f"u{number}" for number in range(5_000)]


def shipped(**more: Any) -> Experiment:
    fields = {"status": "complete", "winner_variant": "bold", "end_date": MOMENT}
    return ab_test(**{**fields, **more})


def test_the_share_is_held_out_and_a_larger_one_holds_out_the_same_units_too() -> None:
    few = {unit for unit in UNITS if is_held_out("shop", 0.05, unit)}
    more = {unit for unit in UNITS if is_held_out("shop", 0.1, unit)}
    assert few < more
    assert 200 < len(few) < 300
    assert few != {unit for unit in UNITS if is_held_out("other", 0.05, unit)}


@pytest.mark.parametrize("share", [0.05, 0.1, 0.3])
def test_the_verifying_test_gives_the_control_to_the_held_out_alone(
    share: float,
) -> None:
    test = verification(shipped(), share)
    assert test is not None
    given = {unit: assign(test, unit) for unit in UNITS}
    assert given == {
        unit: 0 if is_held_out("shop", share, unit) else 1 for unit in UNITS
    }
    assert taking_part(share) == (share, 1.0)


def test_it_is_named_by_its_share_and_starts_where_the_other_ended() -> None:
    test = verification(shipped(coverage=0.2, seed="s", hash_version=1), 0.05)
    assert test is not None
    assert (test.test_id, test.test_type) == ("headline--holdout-500", "holdout")
    assert (test.start_date, test.end_date, test.status) == (MOMENT, None, "running")
    assert (test.coverage, test.winner_variant) == (1.0, None)


@pytest.mark.parametrize(
    ("test", "share"),
    [
        (shipped(), 0.0),
        (shipped(winner_variant=None), 0.05),
        (shipped(winner_variant="control"), 0.05),
        (ab_test(), 0.05),
    ],
)
def test_what_shipped_nothing_is_not_verified(test: Experiment, share: float) -> None:
    assert verification(test, share) is None
