"""Saved groups: lists of what names nobody, kept as long as a test asks them."""

import msgspec
import pytest

from code24.contracts.saved_group import SavedGroup
from code24.contracts.targeting import Targeting
from code24.publishing import build_shards
from code24.state import NotKnownError, State, StateError, experiments, sites
from code24.state import saved_groups as groups
from tests.code24.state.conftest import NOW, experiment

EU = SavedGroup(group_id="eu", attribute="country", values=("DE", "AT"))
ASKING = Targeting(condition={"$or": [{"country": {"$inGroup": "eu"}}]})


def _put(state: State, group: SavedGroup = EU) -> SavedGroup:
    return groups.put_group(state, "shop", group, actor="ada", now=NOW)


def test_a_group_is_made_changed_and_removed(state: State) -> None:
    _put(state)
    larger = _put(state, msgspec.structs.replace(EU, values=("DE", "AT", "FR", 7)))
    assert groups.list_groups(state, "shop") == [larger]
    groups.remove_group(state, "shop", "eu", actor="ada", now=NOW)
    assert groups.list_groups(state, "shop") == []
    with pytest.raises(NotKnownError, match="'eu' of site 'shop' is not known"):
        groups.remove_group(state, "shop", "eu", actor="ada", now=NOW)


def test_a_test_asks_only_groups_that_are_there_and_stay(state: State) -> None:
    asking = experiment(targeting=ASKING)
    with pytest.raises(NotKnownError, match="group 'eu' of site 'shop' is not known"):
        experiments.check_test(state, asking)
    _put(state)
    experiments.create_test(state, asking, actor="ada", now=NOW)
    with pytest.raises(StateError, match="test 'hero' asks it"):
        groups.remove_group(state, "shop", "eu", actor="ada", now=NOW)


def test_what_is_asked_is_released_and_nothing_else(state: State) -> None:
    _put(state)
    _put(state, msgspec.structs.replace(EU, group_id="unused"))
    experiments.create_test(state, experiment(targeting=ASKING), actor="ada", now=NOW)
    shards = build_shards(
        sites.list_sites(state),
        experiments.list_tests(state),
        {},
        groups.by_site(state),
    )
    found = {shard.site_id: shard.saved_groups for shard in shards}
    assert found["shop"] == {"eu": EU}


@pytest.mark.parametrize("attribute", ["id", "user_id", "Email", "device-id"])
def test_a_list_of_persons_is_refused(attribute: str) -> None:
    with pytest.raises(ValueError, match="names persons"):
        SavedGroup(group_id="vip", attribute=attribute, values=("u-1",))
