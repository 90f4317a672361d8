"""Starts the dispatcher: ``python -m app.dispatcher``."""

import logging
import signal
import socket
import sys

import uvicorn

from app.dispatcher.server import create_app
from code24.errors import Code24Error
from code24.settings import HOST, load

GRACE_SECONDS = 5
"""How long requests under way may take once SIGTERM has come."""


def main() -> int:
    """Serve until SIGTERM or Ctrl-C; return the exit status."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        settings = load()
        listener = _listen(settings.ports.dispatcher)
    except Code24Error as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    # uvicorn repeats the signal to us once all requests are answered
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    config = uvicorn.Config(
        create_app(settings, is_stopping=lambda: server.should_exit),
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = uvicorn.Server(config)
    try:
        server.run(sockets=[listener])
    except KeyboardInterrupt:
        return 0
    return 0


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        raise Code24Error(
            f"{HOST}:{port}: {error.strerror}; stop what listens there, or set "
            "CODE24_DISPATCHER_PORT"
        ) from None
    return listener


if __name__ == "__main__":
    sys.exit(main())
