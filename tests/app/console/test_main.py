"""Starting the console: where it listens, and what it refuses."""

import os
import subprocess
import sys

import pytest

from app.console.__main__ import options
from code24.settings import Settings


def test_it_listens_on_the_loopback_alone_and_reports_nothing_home(
    settings: Settings,
) -> None:
    given = options(settings)
    assert given["server.address"] == "127.0.0.1"
    assert given["server.port"] == settings.ports.console
    assert given["server.allowedHosts"] == ["127.0.0.1", "localhost"]
    assert given["browser.gatherUsageStats"] is False


@pytest.mark.parametrize("module", ["app.console", "app.docs"])
def test_a_setting_that_cannot_be_used_is_one_line(module: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", module],
        env={**os.environ, "CODE24_CONSOLE_PORT": "many"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "error: CODE24_CONSOLE_PORT='many': must be a number from 1 to 65535"
    ]
