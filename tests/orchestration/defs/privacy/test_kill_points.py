"""An erasure killed after each of its steps, and within them, and taken up again."""

import os
import shutil
import signal
import subprocess
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import pytest

from code24.settings import Settings
from code24.state import erasures, open_state
from orchestration.defs.privacy.erasure import FOUND, REBUILD
from orchestration.defs.privacy.registry import all_stores
from tests.orchestration.defs.privacy.broken import COMMAND
from tests.orchestration.defs.privacy.killed import erase_until
from tests.orchestration.defs.privacy.searching import places
from tests.orchestration.defs.privacy.test_erasure import REMOVED
from tests.orchestration.defs.privacy.visitors import ALICE, TRACES

FORKED = get_context("forkserver")
"""Each erasure in a process of its own, from one that has loaded all it needs."""
FORKED.set_forkserver_preload(["tests.orchestration.defs.privacy.killed"])
BEFORE = [one.name for one in all_stores() if not one.after_rebuild]
AFTER = [one.name for one in all_stores() if one.after_rebuild]
STEPS = [*BEFORE, REBUILD, *AFTER]


@pytest.fixture
def alone(visited: Settings, tmp_path: Path) -> Settings:
    """Return a copy of the home with the visitors, which nobody else uses."""
    shutil.copytree(visited.home, tmp_path / "home")
    return replace(visited, home=tmp_path / "home")


def killed(settings: Settings, how: str, where: str) -> frozenset[str]:
    """Erase until killed there; return the steps that are noted."""
    process = FORKED.Process(target=erase_until, args=(settings, ALICE, how, where))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    with open_state(settings.database_url) as state:
        (one,) = erasures.list_erasures(state)
    assert one.status == "running"
    return frozenset(one.steps)


def test_killed_at_every_point_it_goes_on_and_its_receipt_is_true(
    alone: Settings,
) -> None:
    done: frozenset[str] = frozenset()
    kills = 0
    for step in STEPS:
        if step in done:
            continue
        before = {FOUND, *STEPS[: STEPS.index(step) + 1]}
        is_beyond = step in BEFORE and kills % 2 == 0
        done = killed(alone, "beyond" if is_beyond else "noted", step)
        assert done >= before if is_beyond else done == before
        kills += 1
    assert kills > len(STEPS) / 2

    ended = subprocess.run(
        (*COMMAND, "--yes", "--json"),
        env={**os.environ, **alone.environment()},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
    with open_state(alone.database_url) as state:
        (receipt,) = erasures.list_erasures(state)
    assert receipt.status == "complete"
    assert receipt.finished_at is not None
    found = receipt.steps[FOUND]
    assert found["log"] == {"records": REMOVED}
    assert found["raw"]["rows"] == found["warehouse"]["rows"] == REMOVED
    assert found["dead_letters"] == {"letters": 4}
    assert receipt.steps.keys() == {FOUND, *STEPS}
    assert [place for trace in TRACES for place in places(alone.home, trace)] == []
