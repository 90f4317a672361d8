"""The console as people see it: the real process in a real browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from code24.settings import Ports, Settings
from tests.app.console import operated, sample
from tests.app.serving import control_api, running
from tests.conftest import free_port

pytestmark = pytest.mark.browser

PATIENCE_MS = 60_000
VIEWS = {
    "/": "Sites",
    "/tests": "Tests",
    "/test?id=headline-won": "headline-won",
    "/decisions": "Decisions",
    "/approvals": "Approvals",
    "/site?id=daily-news": "daily-news",
    "/privacy": "Privacy",
    "/health": "Health",
}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Return one home for all tests here: starting the console takes seconds."""
    ports = Ports(console=free_port(), platform=free_port())
    return Settings(home=tmp_path_factory.mktemp("home"), ports=ports)


@pytest.fixture(scope="module")
def console(settings: Settings) -> Iterator[str]:
    """Start ``python -m app.console`` on a home that is whole; return its address."""
    sample.write(settings.reports)
    operated.write_state(settings)
    with control_api(settings), running("console", settings) as address:
        yield address


def test_every_view_stands_in_light_and_in_dark(
    browser: Browser, console: str, tmp_path: Path
) -> None:
    elsewhere: list[str] = []
    for scheme in ("light", "dark"):
        page = browser.new_page(color_scheme=scheme)
        page.on("request", lambda request: _note_stranger(request.url, elsewhere))
        for path, title in VIEWS.items():
            _open(page, console + path, title)
            picture = tmp_path / f"{title}-{scheme}.png"
            page.screenshot(path=picture, full_page=True)
            assert picture.stat().st_size > 10_000
        page.close()
    assert elsewhere == []


def _note_stranger(url: str, elsewhere: list[str]) -> None:
    if not url.startswith(("http://127.0.0.1:", "data:", "blob:")):
        elsewhere.append(url)


def _open(page: Page, address: str, title: str) -> None:
    page.goto(address)
    heading = page.get_by_role("heading", name=title, exact=True, level=1)
    expect(heading).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_test_id("stException")).to_have_count(0)
    expect(page.get_by_test_id("stAlertContentError")).to_have_count(0)


def test_a_test_is_plotted(browser: Browser, console: str) -> None:
    page = browser.new_page()
    _open(page, f"{console}/test?id=headline-won", "headline-won")
    charts = page.get_by_test_id("stVegaLiteChart")
    expect(charts).to_have_count(4, timeout=PATIENCE_MS)
    for index in range(4):
        drawn = charts.nth(index).locator("canvas, svg").first
        expect(drawn).to_be_visible(timeout=PATIENCE_MS)


def test_a_row_opens_its_test_and_a_site_its_tests(
    browser: Browser, console: str
) -> None:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    _open(page, f"{console}/tests", "Tests")
    table = page.get_by_test_id("stDataFrame")
    expect(table.locator("canvas").first).to_be_visible(timeout=PATIENCE_MS)
    table.click(position={"x": 230, "y": 50})
    split = page.get_by_role("heading", name="headline-split", level=1)
    expect(split).to_be_visible(timeout=PATIENCE_MS)
    assert "id=headline-split" in page.url
    page.goto(f"{console}/site?id=corner-shop")
    page.get_by_text("See its 1 tests").click(timeout=PATIENCE_MS)
    expect(page).to_have_url(f"{console}/tests?site=corner-shop", timeout=PATIENCE_MS)


def test_new_reports_appear_by_themselves(
    browser: Browser, console: str, settings: Settings
) -> None:
    page = browser.new_page()
    _open(page, f"{console}/test?id=headline-won", "headline-won")
    expect(page.get_by_text("reports v-a1")).to_be_visible(timeout=PATIENCE_MS)
    sample.write(settings.reports, "v-b2")
    expect(page.get_by_text("reports v-b2")).to_be_visible(timeout=PATIENCE_MS)
