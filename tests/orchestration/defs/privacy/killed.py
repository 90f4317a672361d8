"""An erasure that kills its own process at a chosen point."""

import os
import signal
import sys
from collections.abc import Mapping
from typing import Any

from code24.settings import Settings
from code24.state import erasures, open_state
from orchestration.defs.privacy.erasure import erase

CHANGES = frozenset({"os.rename", "os.remove", "os.truncate"})
"""What Python tells of before it is done (``sys.addaudithook``), as it does of
``open``."""


def erase_until(settings: Settings, visitor: str, how: str, where: str) -> None:
    """Erase, and be killed there.

    ``noted`` is killed when the step ``where`` has been noted, ``beyond`` in one of the
    next ones: before the first file below the home that is then opened for writing, put
    in another's place or removed.
    """
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
