"""The control API as a process: starts, stops, and says what is wrong."""

import os
import signal
import subprocess
import sys
import time

import httpx
import pytest

from app.platform.operator_token import TokenError, ensure_token
from code24.settings import HOST, Settings


def _start(settings: Settings) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "app.platform"],
        env={**os.environ, **settings.environment()},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _wait_until_up(settings: Settings, process: subprocess.Popen[str]) -> None:
    url = f"http://{HOST}:{settings.ports.platform}/health"
    while process.poll() is None:
        try:
            assert httpx.get(url).status_code == 200
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return


def test_it_serves_until_it_is_told_to_stop(settings: Settings) -> None:
    process = _start(settings)
    _wait_until_up(settings, process)
    process.send_signal(signal.SIGTERM)
    printed, _ = process.communicate(timeout=30)
    assert (process.returncode, printed) == (0, "")


def test_a_state_that_cannot_be_opened_is_one_line(settings: Settings) -> None:
    path = settings.home / "state" / "state.db"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"not a database, but long enough to be read as one" * 99)
    process = _start(settings)
    printed, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert printed.startswith("error: shared state ")
    assert "file is not a database" in printed
    assert printed.count("\n") == 1


def test_the_token_stays_the_same(settings: Settings) -> None:
    first = ensure_token(settings.keys)
    assert ensure_token(settings.keys) == first
    assert [path.name for path in settings.keys.iterdir()] == ["operator.token"]


def test_a_token_that_others_may_read_is_refused(settings: Settings) -> None:
    ensure_token(settings.keys)
    (settings.keys / "operator.token").chmod(0o644)
    with pytest.raises(TokenError, match=r"others may read it.*chmod 600"):
        ensure_token(settings.keys)


def test_an_empty_token_is_refused(settings: Settings) -> None:
    ensure_token(settings.keys)
    (settings.keys / "operator.token").write_text("\n")
    with pytest.raises(TokenError, match="is empty"):
        ensure_token(settings.keys)
