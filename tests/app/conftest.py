"""Debian's Chromium, for what people and their browsers meet."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

USER_AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/156.0.0.0 Safari/537.36"
)
"""A person's; the collector flags what says HeadlessChrome."""
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP *.shop.example 127.0.0.1",
    # For the whole browser: what a driver sets for a page alone is not on the beacons
    # that the page leaves behind.
    f"--user-agent={USER_AGENT}",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start Debian's Chromium; where absent, skip, but fail in CI, which has it."""
    path = shutil.which("chromium")
    if path is None:
        reason = "no chromium on the path; `apt-get install chromium` brings it"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(
            executable_path=path,
            args=list(FLAGS),
            # Playwright turns off what every visitor's browser has.
            ignore_default_args=["--disable-back-forward-cache"],
        )
