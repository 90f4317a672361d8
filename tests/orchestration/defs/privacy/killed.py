"""An erasure that kills its own process at a chosen point; run as a program.

``killed.py VISITOR noted STEP`` is killed when that step has been noted, ``… beyond
STEP`` in one of the next ones: before the first file below the home that is then opened
for writing, put in another's place or removed.
"""

import os
import signal
import sys
from collections.abc import Mapping
from typing import Any

from code24.settings import load
from code24.state import erasures, open_state
from orchestration.defs.privacy.erasure import erase

CHANGES = frozenset({"os.rename", "os.remove", "os.truncate"})
"""What Python tells of before it is done (``sys.addaudithook``), as it does of
``open``."""


def main(visitor: str, how: str, where: str) -> None:
    """Erase, and be killed there."""
    settings = load()
    home = str(settings.home)

    def told(step: str, _counts: Mapping[str, int]) -> None:
        if step == where:
            _die() if how == "noted" else sys.addaudithook(dying)

    def dying(event: str, arguments: tuple[Any, ...]) -> None:
        is_change = event in CHANGES or (event == "open" and _is_written(arguments))
        if is_change and str(arguments[0]).startswith(home):
            _die()

    with open_state(settings.database_url) as state:
        subject = erasures.subject(state, "shop", visitor, keys=settings.keys)
        erase(settings, state, subject, actor="test", on_step=told)


def _is_written(arguments: tuple[Any, ...]) -> bool:
    flags = arguments[2]
    return isinstance(flags, int) and bool(flags & (os.O_WRONLY | os.O_RDWR))


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(*sys.argv[1:])
