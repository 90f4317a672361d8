"""Takes the manual's pictures of a console that runs (``make run``, ``make up``).

``python -m tests.app.console.pictures docs/images`` needs Chromium on the path.
"""

import shutil
import sys
from pathlib import Path

import polars as pl
from playwright.sync_api import Page, expect, sync_playwright

from app.console import frames, reading
from code24.settings import HOST, load
from tests.app.conftest import FLAGS
from tests.app.console.test_browser import PATIENCE_MS

WIDTH = 1440
SETTLE_MS = 4_000
"""Tables and charts are drawn a moment after the page stands."""


def main(folder: Path) -> None:
    """Write one picture of each view into ``folder``, and one test in dark too."""
    settings = load()
    reports = reading.read(reading.pointer(settings.reports))
    tests = frames.tests_list(reports).sort("lift", descending=True, nulls_last=True)
    site = tests["site_id"][0] if tests.height else reports.sites["site_id"][0]
    address = f"http://{HOST}:{settings.ports.console}"
    views = {
        "sites": "/",
        "tests": "/tests",
        "decisions": "/decisions",
        "approvals": "/approvals",
        "health": "/health",
        "site": f"/site?id={site}",
        "test": f"/test?id={_first(tests)}",
    }
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=list(FLAGS)
        )
        light = browser.new_page(color_scheme="light")
        for name, path in views.items():
            _take(light, address + path, folder / f"console-{name}.png")
        dark = browser.new_page(color_scheme="dark")
        _take(dark, address + views["test"], folder / "console-test-dark.png")


def _first(tests: pl.DataFrame) -> str:
    return str(tests["experiment_id"][0]) if tests.height else ""


def _take(page: Page, address: str, picture: Path) -> None:
    page.set_viewport_size({"width": WIDTH, "height": 800})
    page.goto(address)
    expect(page.locator("h1").first).to_be_visible(timeout=PATIENCE_MS)
    page.wait_for_timeout(SETTLE_MS)
    content = page.get_by_test_id("stMainBlockContainer").bounding_box()
    height = int(content["height"]) if content else 800
    page.set_viewport_size({"width": WIDTH, "height": max(height, 400)})
    page.wait_for_timeout(SETTLE_MS // 2)
    page.screenshot(path=picture)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
