"""Telling those who wait that what is served has changed."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Changes:
    """Counts the changes; all of it in the event loop's thread."""

    def __init__(self) -> None:
        self.count = 0
        self.watchers = 0
        self.is_over = False
        """Whether the process is stopping: nothing more will come."""
        self._next: asyncio.Future[None] | None = None

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Count one who waits for changes."""
        self.watchers += 1
        try:
            yield
        finally:
            self.watchers -= 1

    async def after(self, count: int) -> None:
        """Wait until there were more changes than these, or none will come."""
        while self.count <= count and not self.is_over:
            if self._next is None or self._next.done():
                self._next = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._next)

    def tell(self) -> None:
        """Say that there was one more."""
        self.count += 1
        self._wake()

    def end(self) -> None:
        """Say that no more will come."""
        self.is_over = True
        self._wake()

    def _wake(self) -> None:
        if self._next is not None and not self._next.done():
            self._next.set_result(None)
