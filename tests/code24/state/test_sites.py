"""Sites: added once, keys random, versions that tell of a change."""

import pytest

from code24.contracts.site import Site
from code24.contracts.wire import GoalType
from code24.state import NotKnownError, State, StateError, audit, sites
from tests.code24.state.conftest import NOW


def _add(
    state: State,
    site_id: str = "blog",
    host: str = "blog.example",
    goals: tuple[GoalType, ...] = ("traffic", "leads"),
) -> Site:
    return sites.add_site(state, site_id, host, "news", goals, actor="ada", now=NOW)


def test_a_site_comes_back_as_it_was_added(state: State) -> None:
    added = _add(state)
    assert added == sites.get_site(state, "blog")
    assert [site.site_id for site in sites.list_sites(state)] == ["blog", "shop"]
    assert added.goals == ("traffic", "leads")


def test_keys_are_random_and_say_what_they_are(state: State) -> None:
    first, second = _add(state), sites.get_site(state, "shop")
    assert first.write_key.startswith("wk_")
    assert first.client_key.startswith("ck_")
    keys = {first.write_key, first.client_key, second.write_key, second.client_key}
    assert len({key[3:] for key in keys}) == 4
    assert all(len(key) == 35 for key in keys)


def test_adding_again_changes_nothing(state: State) -> None:
    first = _add(state)
    version = sites.site_version(state)
    assert _add(state) == first
    assert sites.site_version(state) == version


def test_another_definition_of_the_same_site_is_refused(state: State) -> None:
    _add(state)
    with pytest.raises(StateError, match=r"'blog' is there with goals .*'leads'"):
        _add(state, goals=("traffic",))


def test_two_sites_cannot_share_a_host(state: State) -> None:
    with pytest.raises(StateError, match=r"host 'shop.example' is site 'shop' already"):
        _add(state, host="shop.example")


@pytest.mark.parametrize(
    ("site_id", "host", "problem"),
    [
        ("Not A Slug", "blog.example", "siteId"),
        ("blog", "https://blog.example/", "host"),
    ],
)
def test_a_wrong_field_is_named(
    state: State, site_id: str, host: str, problem: str
) -> None:
    with pytest.raises(StateError, match=problem):
        _add(state, site_id, host)


def test_a_site_needs_a_goal(state: State) -> None:
    with pytest.raises(StateError, match="at least one goal"):
        _add(state, goals=())


def test_the_version_tells_of_a_change(state: State) -> None:
    before = sites.site_version(state)
    _add(state)
    assert sites.site_version(state) > before


def test_an_unknown_site_is_named(state: State) -> None:
    with pytest.raises(NotKnownError, match="'gone' is not known"):
        sites.get_site(state, "gone")


def test_adding_is_audited(state: State) -> None:
    _add(state)
    (entry,) = audit.list_entries(state, subject="site:blog")
    assert (entry.actor, entry.action, entry.at) == ("ada", "site.add", NOW)
    assert entry.after["host"] == "blog.example"


def test_a_site_s_keys_are_for_any_page_until_its_origins_are_set(state: State) -> None:
    site = _add(state)
    assert (site.origins, site.events_per_second) == ((), 10_000)
    version = sites.site_version(state)
    origins = ["https://blog.example", "http://localhost:3000"]
    changed = _set(state, origins=origins, events_per_second=50)
    assert changed == sites.get_site(state, "blog")
    assert (changed.origins, changed.events_per_second) == (tuple(origins), 50)
    assert sites.site_version(state) > version
    assert _set(state, origins=[]).events_per_second == 50
    assert sites.get_site(state, "blog").origins == ()
    assert sites.get_site(state, "shop").events_per_second == 10_000


def test_setting_the_same_again_is_no_change(state: State) -> None:
    _add(state)
    _set(state, events_per_second=50)
    version = sites.site_version(state)
    _set(state, events_per_second=50)
    assert sites.site_version(state) == version


@pytest.mark.parametrize(
    ("origins", "limit", "problem"),
    [
        (["shop.example"], None, "origins"),
        (["https://shop.example/"], None, "origins"),
        (["https://Shop.example"], None, "origins"),
        (None, 0, "eventsPerSecond"),
    ],
)
def test_what_is_no_origin_or_limit_is_refused(
    state: State, origins: list[str] | None, limit: int | None, problem: str
) -> None:
    with pytest.raises(StateError, match=problem):
        _set(state, site_id="shop", origins=origins, events_per_second=limit)
    with pytest.raises(NotKnownError, match="site 'nobody' is not known"):
        _set(state, site_id="nobody", events_per_second=1)


def _set(
    state: State,
    site_id: str = "blog",
    origins: list[str] | None = None,
    events_per_second: int | None = None,
) -> Site:
    return sites.set_access(
        state,
        site_id,
        origins=origins,
        events_per_second=events_per_second,
        actor="ada",
        now=NOW,
    )
