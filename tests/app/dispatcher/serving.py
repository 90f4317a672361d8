"""A dispatcher to test with: the real process, over real HTTP."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from code24.settings import HOST, PROJECT_ROOT, Settings
from tests.code24.releasing import ReleaseHome

PATIENCE_SECONDS = 20.0
"""How long a test waits for what must come; it fails then, and not before."""


def address(settings: Settings) -> str:
    return f"http://{HOST}:{settings.ports.dispatcher}"


def start(settings: Settings) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "app.dispatcher"],
        cwd=PROJECT_ROOT,
        env={**os.environ, **settings.environment()},
        stderr=subprocess.PIPE,
        text=True,
    )


@contextmanager
def serving(settings: Settings) -> Iterator[subprocess.Popen[str]]:
    """Run the dispatcher of these settings; it has ended when this is left."""
    process = start(settings)
    try:
        until(lambda: health(settings))
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE_SECONDS)


def health(settings: Settings) -> dict[str, Any] | None:
    try:
        answer = httpx.get(f"{address(settings)}/health")
    except httpx.TransportError:
        return None
    assert answer.status_code == 200
    told: dict[str, Any] = answer.json()
    return told


def features(settings: Settings, client_key: str = "ck_shop") -> dict[str, Any]:
    answer = httpx.get(f"{address(settings)}/api/features/{client_key}")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()["features"]
    return found


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "what was waited for did not come"
        time.sleep(0.02)


def home_of(settings: Settings) -> ReleaseHome:
    return ReleaseHome(settings.releases, settings.keys)
