"""The strict badge against e-BH written out, and against its guarantee."""

import numpy as np
import polars as pl
import pytest

from models.experiments.programme import FALSE_SHARE, is_strict


def kept(e_values: list[float | None], site: str = "shop") -> list[bool]:
    table = pl.DataFrame(
        {"site_id": [site] * len(e_values), "e_value": e_values},
        schema={"site_id": pl.String, "e_value": pl.Float64},
    )
    flags: list[bool] = table.select(is_strict()).to_series().to_list()
    return flags


def by_hand(e_values: list[float]) -> list[bool]:
    """Return what the procedure keeps, from its definition."""
    number = len(e_values)
    order = sorted(e_values, reverse=True)
    most = 0
    for k in range(1, number + 1):
        if order[k - 1] >= number / (FALSE_SHARE * k):
            most = k
    return [most > 0 and e >= order[most - 1] for e in e_values]


def test_is_the_procedure_as_published() -> None:
    rng = np.random.default_rng(1)
    for _ in range(200):
        e = np.exp(rng.normal(2, 3, rng.integers(1, 40))).tolist()
        assert kept(e) == by_hand(e)


def test_one_test_needs_twenty_and_many_need_more() -> None:
    assert kept([20.0]) == [True]
    assert kept([19.9]) == [False]
    assert kept([25.0, 1.0]) == [False, False]
    assert kept([40.0, 1.0]) == [True, False]
    assert kept([25.0, 25.0]) == [True, True]


def test_rows_without_an_e_value_do_not_count() -> None:
    assert kept([None, 20.0, None]) == [False, True, False]


def test_sites_are_judged_apart() -> None:
    table = pl.DataFrame({"site_id": ["a", "a", "b"], "e_value": [25.0, 1.0, 25.0]})
    assert table.select(is_strict()).to_series().to_list() == [False, False, True]


def test_few_of_the_kept_wins_are_false() -> None:
    """400 programmes of 50 tests, 40 without a gain; e-values of known laws."""
    rng = np.random.default_rng(2)
    shares = []
    for _ in range(400):
        z = rng.standard_normal(50) + np.where(np.arange(50) < 40, 0.0, 4.0)
        flags = kept(np.exp(3 * z - 4.5).tolist())
        shares.append(sum(flags[:40]) / max(sum(flags), 1))
    assert np.mean(shares) <= FALSE_SHARE


def test_nothing_is_no_error() -> None:
    assert kept([]) == []
    with pytest.raises(pl.exceptions.ColumnNotFoundError):
        pl.DataFrame({"e_value": [1.0]}).select(is_strict())
