"""Starts processes, keeps them running, and leaves none behind."""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx
import psutil

from code24.errors import Code24Error
from code24.settings import HOST, Settings

STOP_SECONDS = 10.0
"""How long a process may take to finish what it acknowledged before it is killed."""
KILLED_SECONDS = 10.0
"""How long a killed process may take to be gone."""
MAX_BACKOFF_SECONDS = 30.0
STEADY_SECONDS = 60.0
"""A process that lived this long has its back-off forgotten."""
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Process:
    """One process: how it is started, and where it says that it is well."""

    name: str
    command: tuple[str, ...]
    address: str | None = None
    health: str | None = None


@dataclass(slots=True)
class _Running:
    process: Process
    popen: subprocess.Popen[bytes]
    started_at: float
    failures: int = 0
    retry_at: float | None = None
    is_announced: bool = False


def processes(settings: Settings) -> tuple[Process, ...]:
    """Return every process that exists so far, in the order of starting."""
    ports = settings.ports
    python = sys.executable

    def module(name: str, port: int, health: str = "/health") -> Process:
        address = f"http://{HOST}:{port}"
        return Process(
            name, (python, "-m", f"app.{name}"), address, f"{address}{health}"
        )

    dagster = f"http://{HOST}:{ports.dagster}"
    return (
        module("collector", ports.collector),
        module("dispatcher", ports.dispatcher),
        module("platform", ports.platform),
        module("console", ports.console, "/_stcore/health"),
        module("docs", ports.docs, "/"),
        Process(
            "dagster",
            (
                *(python, "-W", "ignore", "-m", "dagster", "dev"),
                *("-m", "orchestration.definitions", "--log-level", "warning"),
                *("-h", HOST, "-p", str(ports.dagster)),
            ),
            dagster,
            f"{dagster}/server_info",
        ),
        Process("worker", (python, "-m", "orchestration.worker")),
    )


@dataclass(slots=True)
class Supervisor:
    """Runs processes until it is told to stop (Ctrl-C or SIGTERM)."""

    processes: Sequence[Process]
    settings: Settings
    say: Callable[[str], object]
    _running: list[_Running] = field(default_factory=list)
    _is_stopping: bool = False

    def run(self) -> int:
        """Start all, watch all, stop all; return the exit status."""
        self._require_free_ports()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)
        try:
            self._running = [self._start(process) for process in self.processes]
            while not self._is_stopping:
                self._watch()
                time.sleep(0.3)
        finally:
            self._end()
        return 0

    def _stop(self, _number: int, _frame: object) -> None:
        self._is_stopping = True

    def _require_free_ports(self) -> None:
        for process in self.processes:
            if process.address and _is_taken(process.address):
                raise Code24Error(
                    f"{process.address} ({process.name}) is already in use; stop what "
                    f"listens there, or set CODE24_{process.name.upper()}_PORT"
                )

    def _start(self, process: Process, failures: int = 0) -> _Running:
        popen = subprocess.Popen(
            process.command,
            env=_environment(self.settings),
            start_new_session=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - no threads run here
        )
        return _Running(process, popen, time.monotonic(), failures)

    def _watch(self) -> None:
        for index, running in enumerate(self._running):
            if running.popen.poll() is not None:
                self._running[index] = self._again(running)
            elif not running.is_announced:
                self._announce(running)

    def _announce(self, running: _Running) -> None:
        process = running.process
        if process.health is None or _answers(process.health):
            running.is_announced = True
            self.say(f"{process.name:<11} {process.address or 'running'}")

    def _again(self, dead: _Running) -> _Running:
        """Start a dead process again once its back-off is over.

        What it had started itself is stopped first: Dagster's server and daemon would
        go on, with the port, beside the new ones.
        """
        now = time.monotonic()
        if dead.retry_at is None:
            lived = now - dead.started_at
            failures = 0 if lived > STEADY_SECONDS else dead.failures
            wait = min(2.0**failures, MAX_BACKOFF_SECONDS)
            dead.failures, dead.retry_at = failures + 1, now + wait
            _signal_group(dead.popen, signal.SIGTERM)
            self.say(
                f"{dead.process.name:<11} ended with status {dead.popen.returncode}; "
                f"starting again in {wait:.0f} s"
            )
        if now < dead.retry_at:
            return dead
        _signal_group(dead.popen, signal.SIGKILL)
        return self._start(dead.process, dead.failures)

    def _end(self) -> None:
        """Ask every process group to stop, make those that did not, wait for the last.

        What broke away from its group is known by descent, which only the living tell:
        descendants are listed first.
        """
        self.say("stopping")
        descendants = psutil.Process().children(recursive=True)
        for running in self._running:
            _signal_group(running.popen, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for running in self._running:
            _wait(running.popen, deadline)
            _signal_group(running.popen, signal.SIGKILL)
            running.popen.wait()
        for left in _killed(descendants):
            self.say(f"process {left.pid} does not end; stop it by hand")


def _environment(settings: Settings) -> Mapping[str, str]:
    return {**os.environ, **settings.environment(), "PYTHONUNBUFFERED": "1"}


def _die_with_parent() -> None:
    """Ask Linux to end this process when its parent dies, even by kill -9."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _is_taken(address: str) -> bool:
    """Tell whether somebody listens on the address's port already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, urlsplit(address).port or 0))
        except OSError:
            return True
    return False


def _answers(address: str) -> bool:
    try:
        return httpx.get(address, timeout=0.5).status_code < 500
    except httpx.HTTPError:
        return False


def _wait(popen: subprocess.Popen[bytes], deadline: float) -> None:
    remaining = max(deadline - time.monotonic(), 0.1)
    try:
        popen.wait(remaining)
    except subprocess.TimeoutExpired:
        return


def _signal_group(popen: subprocess.Popen[bytes], number: int) -> None:
    """Signal the process and all its children, which share its session."""
    try:
        os.killpg(popen.pid, number)
    except ProcessLookupError:
        return


def _killed(descendants: Sequence[psutil.Process]) -> list[psutil.Process]:
    """Kill those that still run, wait until they are gone, return those that are not.

    A large process takes a moment to end after its signal.
    """
    left = [process for process in descendants if _runs(process)]
    for process in left:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    deadline = time.monotonic() + KILLED_SECONDS
    while left and time.monotonic() < deadline:
        time.sleep(0.02)
        left = [process for process in left if _runs(process)]
    return left


def _runs(process: psutil.Process) -> bool:
    """Tell whether the process runs; one that waits to be reaped does not."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
