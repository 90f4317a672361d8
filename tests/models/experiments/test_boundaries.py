"""The boundaries of rows of an analysis."""

from datetime import timedelta

import numpy as np
import pytest

from models.experiments.analysis import analyze
from models.experiments.boundaries import with_boundaries
from models.experiments.policy import DEFAULT_POLICY
from models.experiments.stopping import Law, solve
from models.priors.mixture import DEFAULT_PRIOR, normal
from tests.models.experiments import frames

TERMS = DEFAULT_POLICY.terms()


def test_each_test_has_those_of_its_prior_age_and_traffic() -> None:
    table = frames.stats(
        {"a": [(9_000, 450), (9_000, 460)], "b": [(900, 45), (900, 46), (900, 44)]}
    )
    own = {"a": normal(0.0, 0.1)}
    analyses = analyze(table, frames.weights(table), own)
    rows = with_boundaries(analyses, TERMS).rows(named=True)
    assert {row["age_days"] for row in rows} == {14.0}
    assert [row["ship_from"] is None for row in rows] == [
        True,
        False,
        True,
        *[False] * 2,
    ]
    for row, prior in ((rows[1], own["a"]), (rows[3], DEFAULT_PRIOR)):
        law = Law(prior.scales, prior.weights, prior.shift)
        information = row["observed_sd"] ** -2
        ship, stop = solve(law, TERMS).at(np.array([14.0]), np.array([information]))
        assert row["ship_from"] == pytest.approx(ship[0])
        assert row["stop_up_to"] == pytest.approx(stop[0])


def test_a_test_with_a_problem_has_none() -> None:
    table = frames.stats({"bad": [(10, 11), (9, 1)]})
    rows = with_boundaries(analyze(table, frames.weights(table)), TERMS)
    assert rows["ship_from"].null_count() == 2


def test_a_test_that_nobody_saw_has_no_age() -> None:
    table = frames.stats({"new": [(0, 0), (0, 0)]}).with_columns(
        first_exposure_at=None, last_exposure_at=None
    )
    analyses = analyze(table, frames.weights(table))
    assert with_boundaries(analyses, TERMS)["age_days"].to_list() == [None, None]


def test_age_is_that_of_the_whole_test() -> None:
    table = frames.stats({"a": [(900, 45), (900, 46)]})
    late = table["last_exposure_at"] + timedelta(days=2)
    table[1, "last_exposure_at"] = late[1]
    analyses = analyze(table, frames.weights(table))
    assert with_boundaries(analyses, TERMS)["age_days"].to_list() == [16.0, 16.0]
