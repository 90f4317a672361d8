"""Processes are started, kept running, and never left behind."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import free_port

SCRIPT = """
import sys
from pathlib import Path
from cli.supervisor import Process, Supervisor
from code24.settings import Settings
child = (sys.executable, "-c", sys.argv[3])
port = sys.argv[2]
one = Process("one", (*child, port, sys.argv[1] + "/one"), f"http://127.0.0.1:{port}",
              f"http://127.0.0.1:{port}/")
two = Process("two", (*child, "0", sys.argv[1] + "/two"))
sys.exit(Supervisor((one, two), Settings(home=Path(sys.argv[1])),
                    say=lambda line: print(line, flush=True)).run())
"""
CHILD = """
import http.server, os, subprocess, sys
from pathlib import Path
grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"],
                              start_new_session=sys.argv[1] == "0")
with Path(sys.argv[2]).open("a") as file:
    file.write(f"{os.getpid()} {grandchild.pid}\\n")
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])),
                       http.server.SimpleHTTPRequestHandler).serve_forever()
"""


@pytest.fixture
def started(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", SCRIPT, str(tmp_path), str(free_port()), CHILD]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as popen:
        _until(lambda: len(_pids(tmp_path)) == 4)
        yield popen
        popen.kill()
        for pid in _pids(tmp_path):
            if _is_alive(pid):
                os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopping_leaves_no_process_behind(
    started: subprocess.Popen[str], tmp_path: Path, number: signal.Signals
) -> None:
    started.send_signal(number)
    assert started.wait(20) == 0
    assert [pid for pid in _pids(tmp_path) if _is_alive(pid)] == []


def test_a_dead_process_is_started_again(
    started: subprocess.Popen[str], tmp_path: Path
) -> None:
    first = _pids(tmp_path)
    os.kill(first[0], signal.SIGKILL)
    _until(lambda: len(_pids(tmp_path)) == 6)
    assert set(first) < set(_pids(tmp_path))
    assert started.poll() is None
    assert not _is_alive(first[1]), "what it had started would hold its port"


def test_children_end_when_their_parent_is_killed(
    started: subprocess.Popen[str], tmp_path: Path
) -> None:
    children = _pids(tmp_path)[::2]
    started.kill()
    started.wait()
    _until(lambda: not any(_is_alive(pid) for pid in children))


def test_a_port_in_use_is_named_with_the_way_out(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = [sys.executable, "-c", SCRIPT, str(tmp_path), str(port), CHILD]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=60, check=False
        )
    assert done.returncode == 1
    assert f"127.0.0.1:{port}" in done.stderr
    assert "CODE24_ONE_PORT" in done.stderr
    assert _pids(tmp_path) == []


def _pids(folder: Path) -> list[int]:
    """Return the process ids that the children wrote: child, grandchild, …."""
    files = [folder / "one", folder / "two"]
    text = "".join(file.read_text() for file in files if file.exists())
    return [int(word) for word in text.split()]


def _is_alive(pid: int) -> bool:
    """Tell whether the process runs; one that waits to be reaped does not."""
    status = Path(f"/proc/{pid}/status")
    try:
        return "\nState:\tZ" not in status.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def _until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.05)
