"""Kill the drain and the compaction between any two steps; nothing is lost or twice."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestration.defs.raw.compaction import compact
from orchestration.defs.raw.drain import drain
from orchestration.defs.raw.files import event_files, unfinished
from tests.orchestration.defs.raw.logs import append_numbers
from tests.orchestration.defs.raw.test_drain import query

KILLED_CHILD = """
import os, signal, sys
from pathlib import Path
from orchestration.defs.raw import compaction, drain

left = int(sys.argv[1])

def step(event, arguments):
    global left
    if event in ("os.rename", "os.remove"):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(step)
home = Path(sys.argv[2])
drain.drain(home / "log", home / "raw", chunk_records=40)
compaction.compact(home / "raw", above=2)
"""


class Killed(BaseException):
    """Stands for the kill: no handler of ours catches it."""


class Fuse:
    """Counts the steps that change a folder, and breaks before the nth."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.left = 10**9
        for name in ("replace", "unlink"):
            monkeypatch.setattr(Path, name, self._wrap(getattr(Path, name)))

    def _wrap(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def step(path: Path, *arguments: object) -> Any:
            self.left -= 1
            if self.left <= 0:
                raise Killed
            return original(path, *arguments)

        return step


@pytest.fixture
def fuse(monkeypatch: pytest.MonkeyPatch) -> Fuse:
    return Fuse(monkeypatch)


def work(home: Path) -> None:
    drain(home / "log", home / "raw", chunk_records=40)
    compact(home / "raw", above=2)


def steps_until_done(fuse: Fuse, home: Path) -> Iterator[int]:
    """Work with the fuse set to 1, 2, 3 … steps, each time on what was left."""
    for allowed in range(1, 200):
        fuse.left = allowed
        try:
            work(home)
        except Killed:
            yield allowed
        else:
            return


def assert_whole(raw: Path, rows: int) -> None:
    counts = "select count(*), count(distinct log_offset), max(log_offset) from events"
    assert query(raw, counts) == [(rows, rows, rows - 1)]
    assert list(unfinished(raw)) == []


def test_killed_before_any_step_then_again_gives_the_same(
    tmp_path: Path, fuse: Fuse
) -> None:
    clean = tmp_path / "clean"
    append_numbers(clean / "log", "live", 0, 150)
    fuse.left = 10**9
    work(clean)
    names = [file.path.name for file in event_files(clean / "raw" / "events")]
    steps = 10**9 - fuse.left

    for killed_before in range(1, steps + 1):
        home = tmp_path / str(killed_before)
        append_numbers(home / "log", "live", 0, 150)
        fuse.left = killed_before
        with pytest.raises(Killed):
            work(home)
        fuse.left = 10**9
        work(home)
        assert_whole(home / "raw", 150)
        assert [f.path.name for f in event_files(home / "raw" / "events")] == names


def test_killed_again_and_again_still_ends_whole(tmp_path: Path, fuse: Fuse) -> None:
    append_numbers(tmp_path / "log", "live", 0, 150)
    kills = list(steps_until_done(fuse, tmp_path))
    assert len(kills) > 5
    assert_whole(tmp_path / "raw", 150)


def test_more_came_after_the_kill(tmp_path: Path, fuse: Fuse) -> None:
    append_numbers(tmp_path / "log", "live", 0, 90)
    fuse.left = 4
    with pytest.raises(Killed):
        work(tmp_path)
    append_numbers(tmp_path / "log", "live", 90, 150)
    fuse.left = 10**9
    work(tmp_path)
    assert_whole(tmp_path / "raw", 150)


@pytest.mark.parametrize("step", [2, 5, 8, 12])
def test_a_process_killed_for_good_is_made_up_for(tmp_path: Path, step: int) -> None:
    append_numbers(tmp_path / "log", "live", 0, 150)
    arguments = [sys.executable, "-c", KILLED_CHILD, str(step), str(tmp_path)]
    child = subprocess.run(arguments, check=False, env=dict(os.environ))
    assert child.returncode == -signal.SIGKILL
    work(tmp_path)
    assert_whole(tmp_path / "raw", 150)
