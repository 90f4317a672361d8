"""``python -m app.collector``: serve until SIGTERM or Ctrl-C."""

import signal
import sys
from contextlib import nullcontext
from types import FrameType

import uvicorn

from app.collector.collector import open_collector
from app.collector.connections import MAX_CONNECTIONS, GuardedHttp
from app.collector.opening import Opening
from app.collector.server import build_app
from code24.errors import Code24Error
from code24.settings import HOST, load

GRACE_SECONDS = 8
"""How long requests in flight may take once the process is told to stop."""


def main() -> int:
    """Serve, and return 0 after a stop that was asked for."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    try:
        settings = load()
        with Opening(lambda: open_collector(settings), settings.home) as opening:
            _serve(opening, settings.ports.collector)
    except Code24Error as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


def _serve(opening: Opening, port: int) -> None:
    uvicorn.run(
        build_app(lambda: nullcontext(opening)),
        host=HOST,
        port=port,
        http=GuardedHttp,
        limit_concurrency=MAX_CONNECTIONS,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def _leave(_number: int, _frame: FrameType | None) -> None:
    """End the process once uvicorn, which passes the signal on, has finished.

    Further signals must not break off the last write.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    raise SystemExit(0)


if __name__ == "__main__":
    sys.exit(main())
