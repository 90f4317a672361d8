"""A release folder below the settings' home."""

import pytest

from code24.releases import ensure_keys
from code24.settings import Settings
from tests.app.dispatcher.serving import home_of
from tests.code24.releasing import ReleaseHome


@pytest.fixture
def home(settings: Settings) -> ReleaseHome:
    ensure_keys(settings.keys)
    return home_of(settings)
