"""How far was analysed: it never goes back, and only what is new is read again."""

from datetime import timedelta

import pytest

from code24.state import NotKnownError, State, analysed
from code24.state.analysed import Analysed
from tests.code24.state.conftest import NOW


def test_a_site_and_each_of_its_tests_have_their_own_offset(state: State) -> None:
    analysed.record(state, "shop", "live", 10, NOW)
    analysed.record(state, "shop", "live", 7, NOW, test_id="hero")
    analysed.record(state, "shop", "import", 3, NOW)
    found = [
        (each.test_id, each.partition, each.offset, each.at)
        for each in analysed.list_analysed(state, "shop")
    ]
    assert found == [
        (None, "import", 3, NOW),
        (None, "live", 10, NOW),
        ("hero", "live", 7, NOW),
    ]
    assert analysed.list_analysed(state, "other") == []


def test_an_earlier_offset_takes_nothing_back(state: State) -> None:
    later = NOW + timedelta(seconds=5)
    analysed.record(state, "shop", "live", 10, NOW)
    analysed.record(state, "shop", "live", 9, later)
    analysed.record(state, "shop", "live", 10, later)
    [known] = analysed.list_analysed(state)
    assert (known.offset, known.at) == (10, NOW)
    analysed.record(state, "shop", "live", 11, later)
    [known] = analysed.list_analysed(state)
    assert (known.offset, known.at) == (11, later)


def test_only_what_is_new_is_read_again(state: State) -> None:
    assert analysed.changed_since(state, 0) == (0, [])
    analysed.record(state, "shop", "live", 10, NOW)
    last, found = analysed.changed_since(state, 0)
    assert [each.offset for each in found] == [10]
    assert analysed.changed_since(state, last) == (last, [])
    analysed.record(state, "shop", "live", 12, NOW)
    analysed.record(state, "shop", "live", 12, NOW, test_id="hero")
    newer, found = analysed.changed_since(state, last)
    assert newer > last
    assert {(each.test_id, each.offset) for each in found} == {(None, 12), ("hero", 12)}


def test_of_many_all_or_none_are_noted(state: State) -> None:
    entries = [
        Analysed(site_id=site, test_id=None, partition="live", offset=1, at=NOW)
        for site in ("shop", "nowhere")
    ]
    with pytest.raises(NotKnownError, match="'nowhere'"):
        analysed.record_all(state, entries)
    assert analysed.list_analysed(state) == []
