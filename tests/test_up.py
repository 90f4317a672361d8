"""``code24 up``: all processes together take events to a decision, then all stop."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from code24.contracts.site import Site
from code24.settings import HOST, Settings
from code24.state import experiments, open_state, sites
from tests.test_whole_way import (
    CONTROL_CONVERSIONS,
    TEST,
    conversion,
    post,
    units_of,
    until,
    visits,
)

PROCESSES = {"collector", "dispatcher", "platform", "console", "docs", "dagster"}
START_SECONDS = 240.0
DECIDE_SECONDS = 240.0
"""The sensor looks every half minute, and a run of Dagster's takes about as long."""


@pytest.fixture
def up(settings: Settings) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [sys.executable, "-m", "cli", "up"],
        env={**os.environ, **settings.environment()},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        yield process
        process.kill()


def test_events_become_a_decision_and_nothing_is_left_behind(
    settings: Settings, up: "subprocess.Popen[str]"
) -> None:
    site = _add_site_and_test(settings)
    until(lambda: _unwell(settings) == {"dispatcher"}, START_SECONDS)
    sites_told = httpx.get(f"http://{HOST}:{settings.ports.platform}/v1/sites").json()
    assert site.site_id in json.dumps(sites_told)
    post(settings, site, list(visits()))
    unit = units_of("old")[CONTROL_CONVERSIONS]
    post(settings, site, [conversion(unit, "the-last-one")])
    until(lambda: _served(settings, site) == "new", DECIDE_SECONDS)
    assert _unwell(settings) == set()
    children = descendants(up.pid)
    assert len(children) >= 7
    up.send_signal(signal.SIGINT)
    assert up.wait(40) == 0
    assert [pid for pid in children if is_alive(pid)] == []


def _add_site_and_test(settings: Settings) -> Site:
    now = datetime.now(UTC)
    with open_state(settings.database_url) as state:
        site = sites.add_site(
            state, "shop", "shop.example", "fashion", ["sales"], actor="test", now=now
        )
        experiments.create_test(state, TEST, actor="test", now=now)
    return site


def _unwell(settings: Settings) -> set[str]:
    """Return the processes that ``code24 doctor`` does not call well."""
    done = subprocess.run(
        [sys.executable, "-m", "cli", "doctor", "--json"],
        env={**os.environ, **settings.environment()},
        capture_output=True,
        text=True,
        check=False,
    )
    well = {f["part"] for f in json.loads(done.stdout) if f["health"] == "well"}
    return PROCESSES - well


def _served(settings: Settings, site: Site) -> Any:
    address = f"http://{HOST}:{settings.ports.dispatcher}"
    answer = httpx.get(f"{address}/api/features/{site.client_key}")
    if answer.status_code != 200:
        return None
    feature = answer.json()["features"].get(TEST.test_id, {})
    return None if feature.get("rules") else feature.get("defaultValue")


def descendants(pid: int) -> list[int]:
    """Return the processes that it started, and theirs."""
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    own = [int(word) for word in listed.read_text().split()]
    return own + [deeper for child in own for deeper in descendants(child)]


def is_alive(pid: int) -> bool:
    """Tell whether the process runs; one that waits to be reaped does not."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
