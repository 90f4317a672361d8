"""Opening the collector, which a full disk puts off and does not end.

Senders who find nobody lose events once they give up; one who is told to come again
keeps them. So the process serves, answers 429, and opens as soon as there is room.
"""

import asyncio
import logging
import sqlite3
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from app.collector.collector import Collector
from app.collector.disk import is_full
from app.collector.refusals import disk_full
from code24.errors import Code24Error

RETRY_SECONDS = 1.0
FAILURES = (Code24Error, OSError, sqlite3.Error)
"""What opening the log, the shared state and the live state may raise."""

_log = logging.getLogger(__name__)


class Opening:
    """The collector once it is open; a context manager that closes it."""

    def __init__(
        self, opened: Callable[[], AbstractContextManager[Collector]], home: Path
    ) -> None:
        """Prepare.

        Args:
            opened: Opens the collector; called again where the disk was full.
            home: A folder on the disk that the collector needs room on.
        """
        self.collector: Collector | None = None
        """None while there is no room to open it."""
        self.reason: str | None = None
        """Why it is not open; none where it is."""
        self._opened = opened
        self._home = home
        self._closing = ExitStack()
        self._lock = threading.Lock()
        self._is_closed = False

    def required(self) -> Collector:
        """Return the open collector.

        Raises:
            RefusalError: it is not open yet; the sender should come again.
        """
        if self.collector is None:
            raise disk_full("nothing can be written now: /health says why")
        return self.collector

    async def until_open(self) -> Collector:
        """Try again and again; return the collector once it is open."""
        while self.collector is None:
            await asyncio.sleep(RETRY_SECONDS)
            try:
                await asyncio.to_thread(self._try)
            except FAILURES as error:
                # Not the disk any more; whoever asks for the health is told.
                self.reason = str(error)
        return self.collector

    def __enter__(self) -> Self:
        """Open the collector, or leave it to ``until_open`` where the disk is full.

        Raises:
            Code24Error: it cannot be opened for another reason.
        """
        self._try()
        if self.reason is not None:
            _log.warning("%s", self.reason)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._lock:
            self._is_closed = True
            self._closing.close()

    def _try(self) -> None:
        with self._lock:
            if self._is_closed:
                return
            try:
                self.collector = self._closing.enter_context(self._opened())
            except FAILURES as error:
                if not is_full(error, self._home):
                    raise
                self.reason = f"the disk is full, nothing can be opened: {error}"
            else:
                self.reason = None
