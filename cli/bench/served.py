"""A server in a home of its own, for the length of a measurement."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx

from code24.contracts.site import Site
from code24.errors import Code24Error
from code24.releases import ensure_keys
from code24.settings import HOST, Ports, Settings
from code24.state import open_state, sites

START_SECONDS = 30.0


@contextmanager
def temporary_home(settings: Settings) -> Iterator[Settings]:
    """Give settings whose home is empty and goes afterwards, with free ports."""
    with tempfile.TemporaryDirectory(prefix="code24-bench-") as folder:
        ports = Ports(**{name: _free_port() for name in Ports.__slots__})
        home = replace(settings, home=Path(folder), state_url="", ports=ports)
        ensure_keys(home.keys)
        yield home


def add_site(settings: Settings, site_id: str) -> Site:
    """Add a site with a traffic goal that may send as much as it can."""
    now = datetime.now(UTC)
    host = f"{site_id}.example"
    with open_state(settings.database_url) as state:
        sites.add_site(
            state, site_id, host, "general", ("traffic",), actor="bench", now=now
        )
        return sites.set_access(
            state, site_id, events_per_second=1_000_000, actor="bench", now=now
        )


@contextmanager
def serving(
    settings: Settings, module: str, port: int, patience: float = START_SECONDS
) -> Iterator[int]:
    """Run ``python -m module`` and give its process id once it is well."""
    environment = {**os.environ, **settings.environment()}
    command = (sys.executable, "-m", module)
    with subprocess.Popen(command, env=environment) as popen:
        try:
            _await_health(popen, port, patience)
            yield popen.pid
        finally:
            popen.terminate()


def _await_health(popen: "subprocess.Popen[bytes]", port: int, patience: float) -> None:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and popen.poll() is None:
        try:
            httpx.get(f"http://{HOST}:{port}/health", timeout=1.0)
        except httpx.HTTPError:
            time.sleep(0.05)
        else:
            return
    raise Code24Error(f"{popen.args!r}: did not answer on port {port}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port
