"""The audience's store: a person is found, exported and erased; a site is gone."""

from collections.abc import Iterator

import pytest

from code24.audience.layout import AudienceLayout
from code24.privacy.subject import Subject
from code24.releases import ensure_keys
from code24.settings import Settings
from code24.state import open_state
from orchestration.defs.privacy.export import _audience
from orchestration.defs.privacy.store import Home
from orchestration.defs.privacy.stores.audience import STORE
from tests.code24.test_audience import SALTED, Place, member

SITE = Subject("shop", SALTED)
ADA = SITE.with_ids(["ada"])
NOBODY = SITE.with_ids(["zoe"])


@pytest.fixture
def home(settings: Settings) -> Iterator[Home]:
    ensure_keys(settings.keys)
    with open_state(settings.database_url) as state:
        yield Home(settings, state)


def test_where_nothing_lies_nothing_is_found(home: Home) -> None:
    assert STORE.find(home, ADA) == STORE.erase(home, ADA) == {"rows": 0}
    assert STORE.find(home, SITE) == STORE.erase(home, SITE) == {"rows": 0}
    assert _audience(home.settings, ADA) == []


def test_a_person_is_exported_and_erased_and_a_site_is_gone(home: Home) -> None:
    layout = AudienceLayout(home.settings.releases, "shop")
    Place(layout, home.settings.keys).publish()
    assert _audience(home.settings, ADA) == [member("ada")]
    assert _audience(home.settings, NOBODY) == []
    assert STORE.find(home, NOBODY) == {"rows": 0}
    assert STORE.find(home, ADA) == STORE.erase(home, ADA) == {"rows": 1}
    assert STORE.find(home, ADA) == STORE.erase(home, ADA) == {"rows": 0}
    assert STORE.find(home, SITE) == STORE.erase(home, SITE) == {"rows": 2}
    assert layout.files() == []
    assert not layout.head.exists()
