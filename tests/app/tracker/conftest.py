from collections.abc import Iterator
from itertools import count

import pytest
from playwright.sync_api import Browser

from code24.settings import Ports, Settings
from tests.app.collector.serving import new_site, process
from tests.app.tracker.serving import Files, Shop, pages
from tests.conftest import free_port

_numbers = count()


@pytest.fixture(scope="module")
def collecting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Run one collector for all tests of a module; return its settings."""
    home = tmp_path_factory.mktemp("home")
    settings = Settings(home=home, ports=Ports(collector=free_port()))
    new_site(settings, "first")
    with process(settings):
        yield settings


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[str, Files]]:
    """Serve pages for all tests of a module."""
    with pages() as origin_and_files:
        yield origin_and_files


@pytest.fixture
def shop(
    browser: Browser, collecting: Settings, served: tuple[str, Files]
) -> Iterator[Shop]:
    """Return a site of the test's own; its browsers are closed afterwards."""
    site = new_site(collecting, f"shop-{next(_numbers)}")
    idle = browser.new_page()
    shop = Shop(browser, collecting, site, *served, idle)
    yield shop
    for context in [idle.context, *shop.contexts]:
        context.close()
