"""Finished tests: all of a file or none of it, and once."""

import pytest

from code24.contracts.experiment import PastExperiment, PastVariant
from code24.state import NotKnownError, State, StateError, audit, experiments
from tests.code24.state.conftest import NOW


def _past(
    experiment_id: str = "e1", conversions: int = 3, **changes: object
) -> PastExperiment:
    variants = tuple(
        PastVariant(variant_id=f"v{n}", units=100, conversions=conversions + n)
        for n in range(11)
    )
    fields: dict[str, object] = {
        "site_id": "shop",
        "experiment_id": experiment_id,
        "test_type": "headline",
        "goal_type": "sales",
        "ended_at": NOW,
        "source": "archive",
        "variants": variants,
    }
    return PastExperiment(**(fields | changes))  # type: ignore[arg-type]


def _import(state: State, *past: PastExperiment) -> int:
    return experiments.import_past(state, past, actor="ada", now=NOW)


def test_they_come_back_as_they_came_variants_in_order(state: State) -> None:
    assert _import(state, _past("e2"), _past("e1")) == 2
    assert experiments.list_past(state) == [_past("e1"), _past("e2")]


def test_importing_again_adds_only_what_is_new(state: State) -> None:
    _import(state, _past("e1"))
    assert _import(state, _past("e1"), _past("e2")) == 1
    assert _import(state, _past("e1"), _past("e2")) == 0
    entries = audit.list_entries(state, subject="site:shop")
    assert [entry.after for entry in entries[:2]] == [{"past_experiments": 1}] * 2


def test_thousands_are_one_audit_entry(state: State) -> None:
    past = [_past(f"e{number}") for number in range(1_500)]
    assert _import(state, *past) == 1_500
    entry = audit.list_entries(state)[0]
    assert (entry.action, entry.after) == (
        "site.import_past",
        {"past_experiments": 1500},
    )


def test_other_figures_of_the_same_test_are_refused_and_nothing_added(
    state: State,
) -> None:
    _import(state, _past("e1"))
    with pytest.raises(StateError, match="'e1' of site 'shop' is there with other"):
        _import(state, _past("e0"), _past("e1", conversions=4))
    assert experiments.list_past(state) == [_past("e1")]


def test_one_test_twice_in_a_file_must_agree(state: State) -> None:
    assert _import(state, _past("e1"), _past("e1")) == 1
    with pytest.raises(StateError, match="'e2' of site 'shop' stands twice"):
        _import(state, _past("e2"), _past("e2", conversions=4))


def test_they_need_their_site(state: State) -> None:
    with pytest.raises(NotKnownError, match="site 'gone' is not known"):
        _import(state, _past(site_id="gone"))


def test_a_wrong_field_is_named(state: State) -> None:
    with pytest.raises(StateError, match="experimentId"):
        _import(state, _past(experiment_id=""))
