"""An operator's steps in a real browser: real console, real control API."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from code24.settings import Ports, Settings
from code24.state import experiments, open_state
from tests.app.console import operated, sample
from tests.app.console.test_browser import PATIENCE_MS, _open
from tests.app.serving import control_api, running
from tests.conftest import free_port

pytestmark = pytest.mark.browser


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    ports = Ports(console=free_port(), platform=free_port())
    return Settings(home=tmp_path / "home", ports=ports)


@pytest.fixture
def console(settings: Settings) -> Iterator[str]:
    sample.write(settings.reports)
    sample.add_verification(settings.reports)
    operated.write_state(settings)
    with control_api(settings), running("console", settings) as address:
        yield address


def test_a_test_is_paused_and_what_waits_is_approved(
    browser: Browser, console: str, settings: Settings, tmp_path: Path
) -> None:
    page = browser.new_page(viewport={"width": 1440, "height": 1000})
    _open(page, f"{console}/test?id=headline-open", "headline-open")
    page.get_by_role("button", name="Pause", exact=True).click(timeout=PATIENCE_MS)
    expect(page.get_by_text("until the test is started again")).to_be_visible()
    page.get_by_label("Why").last.fill("stock-taking")
    page.get_by_role("button", name="Pause it").click()
    told = page.get_by_text("Paused.", exact=True)
    expect(told).to_be_visible(timeout=PATIENCE_MS)
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_visible()
    assert _status(settings) == "paused"
    page.screenshot(path=tmp_path / "paused.png", full_page=True)

    page.get_by_role("link", name="Approvals (1)").click()
    chart = page.get_by_test_id("stVegaLiteChart").locator("canvas, svg").first
    expect(chart).to_be_visible(timeout=PATIENCE_MS)
    page.get_by_role("button", name="Approve", exact=True).click()
    page.get_by_role("button", name="Approve it").click()
    expect(page.get_by_text("Nothing waits for approval.")).to_be_visible(
        timeout=PATIENCE_MS
    )
    expect(page.get_by_role("link", name="Approvals", exact=True)).to_be_visible(
        timeout=PATIENCE_MS
    )
    assert _status(settings) == "complete"
    page.screenshot(path=tmp_path / "approved.png", full_page=True)


def _status(settings: Settings) -> str:
    with open_state(settings.database_url) as state:
        return experiments.get_test(state, "headline-open").status
