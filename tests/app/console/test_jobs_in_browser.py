"""The queue as an operator sees it: real console and control API in a real browser."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from code24.settings import Ports, Settings
from code24.state import jobs, open_state, sites
from tests.app.console.test_browser import PATIENCE_MS, _open
from tests.app.serving import running
from tests.conftest import free_port

pytestmark = pytest.mark.browser


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    ports = Ports(console=free_port(), platform=free_port())
    return Settings(home=tmp_path / "home", ports=ports)


@pytest.fixture
def console(settings: Settings) -> Iterator[str]:
    with running("platform", settings), running("console", settings) as address:
        yield address


def test_a_dead_job_is_seen_with_its_error_and_tried_again(
    browser: Browser, console: str, settings: Settings, tmp_path: Path
) -> None:
    job_id = _dead_job(settings)
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    _open(page, f"{console}/jobs", "Jobs")
    reason = page.get_by_text("tried 1 times: the warehouse is locked")
    expect(reason).to_be_visible(timeout=PATIENCE_MS)
    link = page.get_by_role("link", name="Its last run in Dagster")
    expect(link).to_have_attribute(
        "href", f"http://127.0.0.1:{settings.ports.dagster}/runs/run-1"
    )
    page.screenshot(path=tmp_path / "jobs.png", full_page=True)
    page.get_by_role("button", name="Try it again").click()
    deadline = time.monotonic() + PATIENCE_MS / 1000
    with open_state(settings.database_url) as state:
        while jobs.get_job(state, job_id).status != "queued":
            assert time.monotonic() < deadline
            time.sleep(0.2)
    expect(reason).to_be_hidden(timeout=PATIENCE_MS)


def _dead_job(settings: Settings) -> str:
    now = datetime.now(UTC)
    with open_state(settings.database_url) as state:
        sites.add_site(
            state, "shop", "shop.example", "news", ("leads",), actor="t", now=now
        )
        kind = ("shop", "ab_testing", "analysis")
        job_id = jobs.enqueue(state, *kind, "high", now=now, payload={})
        jobs.claim(state, "analysis", "w", 60, now=now, run_id="run-1")
        jobs.fail(state, job_id, "w", "the warehouse is locked", now=now)
    return job_id
