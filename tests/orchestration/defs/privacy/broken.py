"""An erasure that is killed while a collector takes events, and goes on."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from code24.settings import HOST, Settings
from code24.state import erasures, open_state
from code24.state.sites import get_site
from tests.app.collector.serving import event, process
from tests.orchestration.defs.privacy.visitors import ALICE, sent

COMMAND = (sys.executable, "-m", "cli", "erase", "--visitor", ALICE, "--site", "shop")


@dataclass(frozen=True)
class Broken:
    """What was erased, how far it was when killed, and what came in meanwhile."""

    settings: Settings
    done_when_killed: frozenset[str]
    answers: list[dict[str, Any]]
    told: str
    """What the command that finished printed."""


def erase_broken_off(settings: Settings) -> Broken:
    """Erase Alice in a process that is killed, then in one that is not.

    Bob's events are posted before, between and after; a late one of Alice's too.
    """
    with process(settings):
        _post(settings, event(1, visitorId="bob"))
        done = _killed(settings)
        answers = [
            _post(settings, event(2, visitorId="bob")),
            _post(settings, _late()),
        ]
        told = _finished(settings)
        answers.append(_post(settings, event(3, visitorId="bob")))
    return Broken(settings, done, answers, told)


def _late() -> dict[str, Any]:
    """Return an event of some hours ago, as a telephone sends it that was offline."""
    at = datetime.now(UTC) - timedelta(hours=5)
    return {**sent(ALICE, 40, "late"), "timestamp": at.isoformat()}


def _killed(settings: Settings) -> frozenset[str]:
    """Start the command, kill it when the log is done; return which stores were."""
    environment = {**os.environ, **settings.environment()}
    with subprocess.Popen((*COMMAND, "--yes"), env=environment) as running:
        while running.poll() is None and "log" not in _steps(settings):
            time.sleep(0.02)
        running.send_signal(signal.SIGKILL)
    return _steps(settings)


def _finished(settings: Settings) -> str:
    environment = {**os.environ, **settings.environment()}
    ended = subprocess.run(
        (*COMMAND, "--yes", "--by", "officer"),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def _steps(settings: Settings) -> frozenset[str]:
    with open_state(settings.database_url) as state:
        found = erasures.list_erasures(state)
    return frozenset(found[0].steps) if found else frozenset()


def _post(settings: Settings, body: dict[str, Any]) -> dict[str, Any]:
    with open_state(settings.database_url) as state:
        key = get_site(state, "shop").write_key
    address = f"http://{HOST}:{settings.ports.collector}/v1/events"
    answer = httpx.post(address, json=body, auth=(key, ""), timeout=20)
    told: dict[str, Any] = answer.raise_for_status().json()
    return told
