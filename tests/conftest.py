"""Fixtures that every test may use: settings of a home of its own, real data."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from code24 import settings as settings_module
from code24.settings import Ports, Settings

LONGEST = ("tests/notebooks/", "tests/test_", "tests/cli/simulation/")
"""Files of minutes each. Two workers take files in turn: begun last, one of these would
leave the other worker idle."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest files."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def needed(path: Path | None, how: str) -> Path:
    """Return what a test needs; where absent, skip with the way out, but fail in CI."""
    if path is not None and path.exists():
        return path
    if os.environ.get("CI") == "true":
        pytest.fail(how)
    pytest.skip(how)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return settings whose home is empty and whose ports are free."""
    ports = Ports(**{name: free_port() for name in Ports.__slots__})
    return Settings(home=tmp_path / "home", ports=ports)


@pytest.fixture
def reference_data() -> Callable[[str], Path]:
    """Return a finder of reference files; it skips, saying so, where one is absent."""

    def find(name: str) -> Path:
        path = settings_module.load().reference_data / name
        if not path.exists():
            pytest.skip(f"reference data absent: {name} (CODE24_REFERENCE_DATA)")
        return path

    return find
