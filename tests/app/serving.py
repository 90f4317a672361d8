"""Processes of ``app/`` to test with: they answer when entered, are gone when left."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import uvicorn

from app.platform.server import create_app
from code24.settings import HOST, Settings

HEALTH = {"console": "/_stcore/health"}
"""Where a process says that it is well, if not at ``/health``."""


@contextmanager
def running(name: str, settings: Settings) -> Iterator[str]:
    """Run ``python -m app.<name>`` on a home; yield its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", f"app.{name}"],
        env={**os.environ, **settings.environment()},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    address = f"http://{HOST}:{getattr(settings.ports, name)}"
    try:
        _wait(name, process, address)
        yield address
    finally:
        process.terminate()
        process.communicate(timeout=20)


def _wait(name: str, process: subprocess.Popen[bytes], address: str) -> None:
    while process.poll() is None:
        try:
            httpx.get(address + HEALTH.get(name, "/health"), timeout=1)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"app.{name} ended with status {process.returncode}")


@contextmanager
def control_api(settings: Settings) -> Iterator[None]:
    """Serve the control API of a home from a thread."""
    config = uvicorn.Config(
        create_app(settings),
        host=HOST,
        port=settings.ports.platform,
        log_level="critical",
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started and thread.is_alive():
        time.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()
