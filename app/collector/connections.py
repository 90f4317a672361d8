"""Connections whose head is too long, or comes too slowly, are closed.

uvicorn waits without end for the first request of a connection and takes a head of any
length; both would let a few senders hold the memory and the places of all others.
"""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_SECONDS = 10.0
"""From the first byte, or the connection, to the end of the headers."""
MAX_HEAD_BYTES = 32 * 1024
MAX_CONNECTIONS = 1_000
"""Beyond, 503; with the longest bodies they hold 500 MB."""


class GuardedHttp(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 with a limit on the length and the time of a head."""

    _timer: asyncio.TimerHandle | None = None
    _received = 0
    """Bytes since the head began, while it is one."""
    _length = 0
    """Bytes of the head's headers so far."""
    _is_in_head = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Give the first head its time."""
        super().connection_made(transport)
        self._start_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave no timer behind."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse; what was all head and is too long for one is not waited for."""
        self._received += len(data) if self._is_in_head else 0
        super().data_received(data)
        if not self._is_in_head or self.parser is None or self.transport.is_closing():
            return
        if self._received > MAX_HEAD_BYTES:
            self.send_400_response("The head of the request is too long.")
        elif self._timer is None:
            self._start_timer()

    def on_message_begin(self) -> None:
        """A further head begins; it has a timer where it does not end at once."""
        super().on_message_begin()
        self._is_in_head = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count; the parser answers an error with 400 and closes.

        Raises:
            ValueError: the headers are too long.
        """
        super().on_header(name, value)
        self._length += len(name) + len(value)
        if self._length > MAX_HEAD_BYTES:
            raise ValueError("the headers are too long")

    def on_headers_complete(self) -> None:
        """Count the next head anew."""
        self._stop_timer()
        self._is_in_head = False
        self._received = self._length = 0
        super().on_headers_complete()

    def _start_timer(self) -> None:
        self._timer = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
